import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNameserver } from '../../providers/embedded/nameserver.ts';
import { challengeNameOf } from '../challenge/challenge.ts';
import { carryOut } from '../challenge/order.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import type { Run } from '../challenge/run.ts';
import { waitUntilVisible } from '../challenge/wait.ts';
import { formatServerAddress } from '../dns/server-address.ts';
import { normaliseName } from '../names.ts';
import type { Io } from '../output/io.ts';
import { openRecords } from '../state/files/records.ts';
import { withRun } from './open-run.ts';

const ZONE = normaliseName('example.com');
const NAME = challengeNameOf(ZONE);
const APEX_VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const WILDCARD_VALUE = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

/** `dns01 demo`: the steps of a wildcard certificate with the code of the verbs, on a real name server on loopback. */
export async function demo(io: Io): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'dns01-demo-'));
  const records = openRecords(join(directory, 'state', 'accounts', 'demo'));
  const zones = async () => [{ name: ZONE, ns: [`ns.${ZONE}`], ...(await records.served()) }];
  const server = await startNameserver({ address: '127.0.0.1', port: 0, zones, failed: () => {} });
  try {
    const config = join(directory, 'dns01.yaml');
    const address = formatServerAddress(server);
    await writeFile(config, demoConfig(address), { mode: 0o600 });
    const env = { DNS01_STATE_DIR: join(directory, 'state') };
    const options = { config, json: false, quiet: false, verbose: false, dryRun: false };
    io.stdout(`A name server for ${ZONE} answers on ${address} (UDP and TCP, this machine only).\n\n`);
    await withRun(options, { ...io, env }, (run) => steps(run, io));
    io.stdout(
      '\nNothing is left behind. For your own names, dns01 --help shows where the config goes, and dns01 providers what it needs.\n',
    );
  } finally {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function steps(run: Run, io: Io): Promise<void> {
  const apex = { name: NAME, value: APEX_VALUE };
  const wildcard = { name: NAME, value: WILDCARD_VALUE };
  const change = (action: 'add' | 'remove', challenge: typeof apex) =>
    carryOut({ action, challenges: [challenge], principal: WHOLE_CONFIG }, run).all;
  const account = await run.account('demo');
  const held = async () => (await account.use((provider) => provider.listTxt(NAME, ZONE))).join(', ');

  const step = async (what: string, task: () => Promise<string | undefined>) => {
    const started = performance.now();
    const outcome = await task();
    const ms = Math.round(performance.now() - started);
    io.stdout(`${`${ms} ms`.padStart(8)}  ${what}${outcome ? `: ${outcome}` : ''}\n`);
  };
  const quietly = async (task: Promise<unknown>) => {
    await task;
    return undefined;
  };

  await step(`add-txt ${NAME} ${APEX_VALUE}`, () => quietly(change('add', apex)));
  await step(`add-txt ${NAME} ${WILDCARD_VALUE}`, () => quietly(change('add', wildcard)));
  await step('wait until the name server shows both, twice in a row', () =>
    quietly(waitUntilVisible([apex, wildcard], run)),
  );
  await step('list-txt', held);
  await step(`remove-txt ${NAME} ${APEX_VALUE}`, () => quietly(change('remove', apex)));
  await step('list-txt, the other value stayed', held);
  await step(`remove-txt ${NAME} ${WILDCARD_VALUE}`, () => quietly(change('remove', wildcard)));
  await step('list-txt, all gone', async () => (await held()) || 'no value');
}

const demoConfig = (address: string): string => `accounts:
  demo: { provider: embedded, zones: [${ZONE}] }
zones: { ${ZONE}: demo }
dns: { nameservers: { ${ZONE}: ["${address}"] } }
`;
