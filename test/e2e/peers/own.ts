import type { StandIn } from '../../fakes/stand-in.ts';
import { openWorkplace } from '../../support/cli.ts';
import { type Counted, NAME, type PeerCase, VALUE, ZONE } from './peers.ts';

/** The requests of dns01: for the first name ever, for a later one, and for fifty at once. */
export interface OwnCounts {
  readonly first: Counted;
  readonly later: Counted;
  readonly fifty?: Counted;
}

/** Counts what the built program sends to the stand-in. */
export async function countOwn({ provider, start }: PeerCase, withFifty: boolean): Promise<OwnCounts> {
  const [here, standIn] = [await openWorkplace(), await start()];
  try {
    await here.configure(
      JSON.stringify({
        accounts: { it: { provider, ...standIn.options } },
        zones: { [ZONE]: 'it' },
        dns: { followCnames: false },
      }),
    );
    const requestsOf = async (args: readonly string[], input = ''): Promise<number> => {
      const before = standIn.server.requests.length;
      const { code, stderr } = await here.run(args, { input });
      if (code !== 0) throw new Error(`dns01 ${args.join(' ')} ended with ${code}: ${stderr}`);
      return standIn.server.requests.length - before;
    };
    const one = async (): Promise<Counted> => ({
      add: await requestsOf(['add-txt', '--no-wait', NAME, VALUE]),
      remove: await requestsOf(['remove-txt', NAME, VALUE]),
    });
    const first = await one();
    const later = await one();
    if (!withFifty) return { first, later };
    const fifty = {
      add: await requestsOf(['batch', '--no-wait'], linesOf('add')),
      remove: await requestsOf(['batch'], linesOf('remove')),
    };
    expectNothing(standIn);
    return { first, later, fifty };
  } finally {
    await Promise.all([here.remove(), standIn.close()]);
  }
}

const FIFTY: readonly string[] = [...Array(50).keys()].map((nth) => `n${nth}.${ZONE}`);

function linesOf(action: string): string {
  return FIFTY.map((host) => `${JSON.stringify({ action, name: `_acme-challenge.${host}`, value: VALUE })}\n`).join('');
}

function expectNothing(standIn: StandIn): void {
  const left = [NAME, ...FIFTY.map((host) => `_acme-challenge.${host}`)].flatMap((name) => standIn.held(name));
  if (left.length > 0) throw new Error(`${left.length} values are left at the stand-in`);
}
