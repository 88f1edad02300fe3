// A fake in a process of its own, so that its CPU time is not counted as that of dns01. scripts/bench/fakes.ts starts it.
import { startFakeDns } from '../../test/fakes/dns-server.ts';
import { ACCOUNTS, ZONE } from './accounts.ts';
import type { FakeMessage, FakeRequest } from './fakes.ts';

const report = (message: FakeMessage): void => void process.send?.(message);

process.on('disconnect', () => process.exit());

const [, , kind = ''] = process.argv;
const answer = kind === 'dns' ? await openDns() : await openApi(kind as keyof typeof ACCOUNTS);
process.on('message', async (request: FakeRequest) => report(await answer(request)));

async function openApi(name: keyof typeof ACCOUNTS): Promise<(request: FakeRequest) => Promise<FakeMessage>> {
  const account = await ACCOUNTS[name]();
  let planted = 0;
  report({ login: account.login });
  return async (request) => {
    for (; planted < (request.records ?? 0); planted++) {
      await account.plant?.(`host${planted}.${ZONE}`, 'v=spf1 -all');
    }
    return { requests: account.takeRequests() };
  };
}

async function openDns(): Promise<(request: FakeRequest) => Promise<FakeMessage>> {
  const server = await startFakeDns({ zones: [{ name: ZONE }] });
  report({ at: server.at });
  return async ({ show }) => {
    for (const name of show?.names ?? []) server.show(name, [show?.value ?? '']);
    return { now: Date.now() };
  };
}
