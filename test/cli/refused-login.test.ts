import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { expectFailure, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { PANEL_PASSWORD, type Panels, startPanels, ZONE_KEY } from '../support/panels.ts';

let panels: Panels;
let here: Workplace;
beforeEach(async () => {
  [panels, here] = await Promise.all([startPanels(), openWorkplace()]);
});
afterEach(() => Promise.all([panels.close(), here.remove()]));

const PLACES = [
  ['ispconfig', '_acme-challenge.example.com', JSON.stringify(PANEL_PASSWORD)],
  ['zoneid', '_acme-challenge.example.ee', ZONE_KEY],
] as const;

it.each(PLACES)(
  'credentials that %s refused are not tried again for five minutes, by any process',
  async (type, name, right) => {
    const { server } = panels[type];
    await here.configure(panels.config.replace(right, 'a-wrong-one-4711'));
    const add = () => here.run(['add-txt', '--no-wait', name, VALUE]);
    expectFailure(await add(), 77, /dns01: error: account/);
    const asked = server.requests.length;
    for (let call = 0; call < 5; call++) {
      expectFailure(
        await add(),
        77,
        /these credentials were refused \d+ s ago and are not tried again for \d+ s/,
        /dns01 doctor/,
      );
    }
    expect(server.requests).toHaveLength(asked);
    await here.expectNoSecret('a-wrong-one-4711');

    const [file = ''] = await readdir(join(here.stateDirectory, 'refused'));
    const path = join(here.stateDirectory, 'refused', file);
    const { at } = JSON.parse(await readFile(path, 'utf8')) as { at: number };
    await writeFile(path, JSON.stringify({ at: at - 301_000 }));
    await add();
    expect(server.requests.length).toBeGreaterThan(asked);

    // Others are tried at once.
    await here.configure(panels.config);
    expect((await add()).code).toBe(0);
  },
);
