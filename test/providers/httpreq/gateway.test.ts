import { expect, it } from 'vitest';
import { PASSWORD, serveConfig, useGateway, user } from '../../gateway/support.ts';
import { openWorkplace, VALUE } from '../../support/cli.ts';

const NAME = '_acme-challenge.www.example.com';
const gateway = useGateway();

it('publishes and withdraws through dns01 serve on another machine', async () => {
  const { panels, dns, here } = gateway;
  const users = await user('web1', 'www.example.com');
  await here.configure(`${panels.accounts}${dns.config}${serveConfig(users)}`);
  const { at } = await gateway.start();
  const client = await openWorkplace();
  try {
    const account = { provider: 'httpreq', url: at, username: 'web1', password: PASSWORD };
    const more = `dns: { followCnames: false }\n`;
    await client.configure(`accounts: { gate: ${JSON.stringify(account)} }\nzones: { example.com: gate }\n${more}`);
    const run = async (...args: string[]) => {
      const { code, stderr } = await client.run(args);
      return { code, stderr };
    };
    expect(await run('add-txt', '--no-wait', NAME, VALUE)).toMatchObject({ code: 0 });
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
    expect(await run('add-txt', '--no-wait', NAME, VALUE)).toMatchObject({ code: 0 });
    expect(panels.ispconfig.held(NAME)).toEqual([VALUE]);
    expect(await run('remove-txt', NAME, VALUE)).toMatchObject({ code: 0 });
    expect(panels.ispconfig.held(NAME)).toEqual([]);
    // A name of another user.
    const refused = await run('add-txt', '--no-wait', '_acme-challenge.example.com', VALUE);
    expect(refused).toMatchObject({ code: 77, stderr: expect.stringContaining('this user may not write that name') });
    await client.expectNoSecret(PASSWORD);
  } finally {
    await client.remove();
  }
});
