import { execFileSync } from 'node:child_process';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { expectFailure, OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { PANEL_PASSWORD, type Panels, startPanels, ZONE_KEY } from '../support/panels.ts';
import { bundle } from '../support/paths.ts';

const NAME = '_acme-challenge.example.com';
const ZONE_NAME = '_acme-challenge.example.ee';

let panels: Panels;
let here: Workplace;
beforeEach(async () => {
  [panels, here] = await Promise.all([startPanels(), openWorkplace()]);
  await here.configure(panels.config);
  await here.run(['add-txt', '--no-wait', NAME, VALUE]);
  await here.run(['add-txt', '--no-wait', ZONE_NAME, VALUE]);
  panels.ispconfig.plant({ name: `${NAME}.`, data: OTHER_VALUE });
});
afterEach(async () => {
  await here.expectNoSecret(PANEL_PASSWORD, ZONE_KEY);
  await Promise.all([panels.close(), here.remove()]);
});

/** Makes the journal believe that the value of this name was published long ago. */
async function age(name: string, since: string): Promise<void> {
  const directory = join(here.stateDirectory, 'journal');
  for (const file of await readdir(directory)) {
    const entry = JSON.parse(await readFile(join(directory, file), 'utf8'));
    if (entry.name === name) await writeFile(join(directory, file), JSON.stringify({ ...entry, since }));
  }
}

it('sweep withdraws what is old and stands in the journal, and nothing else', async () => {
  await age(NAME, '2020-01-01T00:00:00.000Z');
  const { code, stdout } = await here.run(['sweep']);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `removed\t${NAME}\t${VALUE}\tpanel\tsince 2020-01-01T00:00:00.000Z\n`,
  });
  expect(panels.ispconfig.held(NAME)).toEqual([OTHER_VALUE]);
  expect(panels.zoneid.held(ZONE_NAME)).toEqual([VALUE]);
  expect(await here.run(['sweep'])).toEqual({ code: 0, stdout: '', stderr: 'dns01: nothing to remove\n' });
});

it('sweep takes everything that is open when told so', async () => {
  expect((await here.run(['sweep', '--older-than', '0s'])).stdout.trim().split('\n')).toHaveLength(2);
  expect(panels.ispconfig.held(NAME)).toEqual([OTHER_VALUE]);
  expect(panels.zoneid.held(ZONE_NAME)).toEqual([]);
});

it('sweep --dry-run only says what it would do', async () => {
  panels.zoneid.server.takeCalls();
  const { stdout } = await here.run(['sweep', '--older-than', '0s', '--dry-run', '--json']);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ name, outcome }) => [name, outcome])).toEqual([
    [NAME, 'would be removed'],
    [ZONE_NAME, 'would be removed'],
  ]);
  expect(panels.zoneid.server.takeCalls()).toEqual([]);
  expect(panels.zoneid.held(ZONE_NAME)).toEqual([VALUE]);
});

it('sweep goes on after a failure, says so, and tries again the next time', async () => {
  panels.ispconfig.panel.maintenance = true;
  const failed = await here.run(['sweep', '--older-than', '0s']);
  expectFailure(failed, 75, /1 of the values could not be withdrawn; the first: account panel/);
  expect(panels.zoneid.held(ZONE_NAME)).toEqual([]);
  panels.ispconfig.panel.maintenance = false;
  expect((await here.run(['sweep', '--older-than', '0s'])).stdout).toMatch(/^removed\t_acme-challenge\.example\.com/);
});

it('sweep calls a value that somebody else has removed absent, and forgets it', async () => {
  panels.zoneid.zones.get('example.ee')?.splice(0);
  const { code, stdout } = await here.run(['sweep', '--older-than', '0s']);
  expect(code).toBe(0);
  expect(stdout).toContain(`absent\t${ZONE_NAME}`);
  expect((await here.run(['sweep', '--older-than', '0s'])).stdout).toBe('');
});

it('sweep never withdraws what the guard would not let be written, even if the journal says so', async () => {
  panels.ispconfig.plant({ name: 'www.example.com.', data: VALUE });
  const directory = join(here.stateDirectory, 'journal');
  const [file] = await readdir(directory);
  const entry = JSON.parse(await readFile(join(directory, file ?? ''), 'utf8'));
  await writeFile(
    join(directory, 'forged.json'),
    JSON.stringify({ ...entry, name: 'www.example.com', target: 'www.example.com', account: 'panel' }),
  );
  expect((await here.run(['sweep', '--older-than', '0s'])).code).toBe(64);
  expect(panels.ispconfig.held('www.example.com')).toEqual([VALUE]);
});

it('sweep --scan lists what has the form of a challenge and is not ours, and removes nothing', async () => {
  const { code, stdout } = await here.run(['sweep', '--scan']);
  expect(code).toBe(0);
  expect(stdout).toBe(`not ours\t${NAME}\t${OTHER_VALUE}\tpanel\n`);
  expect(panels.ispconfig.held(NAME).sort()).toEqual([VALUE, OTHER_VALUE].sort());
});

it('sweep refuses a time that it does not understand', async () => {
  expectFailure(await here.run(['sweep', '--older-than', 'yesterday']), 64, /--older-than takes a time like 12h or 1d/);
});

it('sweep reads a journal with more entries than a process may have files open', async () => {
  const directory = join(here.stateDirectory, 'journal');
  const [file = ''] = await readdir(directory);
  for (let copy = 0; copy < 500; copy++) await cp(join(directory, file), join(directory, `${copy}.json`));
  const stdout = execFileSync(
    'sh',
    ['-c', 'ulimit -n 100; exec "$@"', 'sh', process.execPath, bundle, 'sweep', '--older-than', '0s', '--dry-run'],
    { env: { DNS01_CONFIG: join(here.directory, 'dns01.yaml'), DNS01_STATE_DIR: here.stateDirectory } },
  );
  expect(stdout.toString().trim().split('\n')).toHaveLength(502);
});

it('sweep that cannot read the journal fails, and says so', async () => {
  await rm(join(here.stateDirectory, 'journal'), { recursive: true });
  await writeFile(join(here.stateDirectory, 'journal'), 'a file where the folder should be');
  for (const args of [['sweep'], ['sweep', '--scan']]) {
    expectFailure(await here.run(args), 78, /the journal cannot be read: .*journal is not a directory/);
  }
});
