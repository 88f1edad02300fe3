// A fake in a process of its own, so that its CPU time is not counted as that of dns01. scripts/bench/fakes.ts starts it.
import { startFakeDns } from '../../test/fakes/dns-server.ts';
import { ACCOUNTS, ZONE } from './accounts.ts';
import type { Told, Wish } from './fakes.ts';

const tell = (told: Told): void => void process.send?.(told);

process.on('disconnect', () => process.exit());

const [, , kind = ''] = process.argv;
const answer = kind === 'dns' ? await openDns() : await openApi(kind as keyof typeof ACCOUNTS);
process.on('message', async (wish: Wish) => tell(await answer(wish)));

async function openApi(name: keyof typeof ACCOUNTS): Promise<(wish: Wish) => Promise<Told>> {
  const account = await ACCOUNTS[name]();
  let planted = 0;
  tell({ login: account.login });
  return async (wish) => {
    for (; planted < (wish.records ?? 0); planted++) {
      await account.plant?.(`host${planted}.${ZONE}`, 'v=spf1 -all');
    }
    return { requests: account.takeRequests() };
  };
}

async function openDns(): Promise<(wish: Wish) => Promise<Told>> {
  const server = await startFakeDns({ zones: [{ name: ZONE }] });
  tell({ at: server.at });
  return async ({ show }) => {
    for (const name of show?.names ?? []) server.show(name, [show?.value ?? '']);
    return { now: Date.now() };
  };
}
