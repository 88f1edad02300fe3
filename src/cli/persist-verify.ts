import { findRecords } from '../check/persist.ts';
import { type Judgement, type JudgeName, judgePersist } from '../check/persist-rules.ts';
import { findConfigIfAny } from '../config/find.ts';
import { loadConfig, withoutConfig } from '../config/load.ts';
import { Dns01Error } from '../errors.ts';
import type { Io } from '../output/io.ts';
import { withRun } from './open-run.ts';
import type { PersistFlags } from './persist-commands.ts';
import { persistSubject } from './persist-subject.ts';

const SEVERITY = ['valid', 'unauthorized', 'malformed'] as const;

/**
 * `dns01 persist verify`: what Boulder and Pebble say of the records that the zone's own servers show. Where the servers
 * differ, the worst counts, because a CA may ask any. Returns the exit code.
 */
export async function persistVerify(domain: string, flags: PersistFlags, io: Io): Promise<number> {
  const subject = await persistSubject(domain, flags, io);
  const { name, issuer, accountUris, wildcard } = subject;
  // The config only says whom to ask, so it may be missing.
  const file = findConfigIfAny(flags.config, io.env);
  const config = file === undefined ? withoutConfig() : loadConfig(file);
  return withRun(
    flags,
    io,
    async (run) => {
      const found = await findRecords(name, run);
      for (const silent of found.silent) run.log.warn(`no usable answer from ${silent}`);
      const request = { issuer, accountUris, wildcard, now: Date.now() };
      const judgements = (judge: JudgeName) =>
        found.each.map(({ server, values }) => ({ server, ...judgePersist(judge, values, request) }));
      const [boulder, pebble] = [worst(judgements('boulder')), worst(judgements('pebble'))];
      const others = judgements('boulder').filter(({ verdict }) => verdict !== boulder.verdict);
      for (const { server, verdict } of others) {
        run.log.warn(`the name servers differ: ${verdict} by ${server}, ${boulder.verdict} by ${boulder.server}`);
      }
      const isValid = boulder.verdict === 'valid';
      if (flags.json) {
        const texts = { boulderText: boulder.text, pebbleText: pebble.text };
        const verdicts = { boulder: boulder.verdict, pebble: pebble.verdict, ...texts };
        const values = [...new Set(found.each.flatMap((server) => server.values))];
        io.stdout(`${JSON.stringify({ ok: isValid, action: 'verify', name, ...verdicts, values })}\n`);
      } else {
        io.stdout(lineOf('boulder', boulder));
        if (pebble.verdict !== boulder.verdict) io.stdout(lineOf('pebble', pebble));
      }
      if (isValid) return 0;
      const error = new Dns01Error(
        'E_REJECTED',
        `the CA would refuse the records at ${found.name}: ${boulder.verdict}`,
        {
          hint: 'dns01 persist add publishes a record for this CA and account',
        },
      );
      if (!flags.json) throw error;
      return error.exitCode;
    },
    { config },
  );
}

function lineOf(judge: JudgeName, { verdict, text }: Judgement): string {
  return `${[judge, verdict, ...(text ? [text] : [])].join('\t')}\n`;
}

function worst<Each extends Judgement>(judgements: readonly Each[]): Each {
  const [first] = [...judgements].sort((a, b) => SEVERITY.indexOf(b.verdict) - SEVERITY.indexOf(a.verdict));
  if (first) return first;
  throw new Error('no name server was asked');
}
