import type { Run } from '../challenge/run.ts';
import { answersFor, endOfAliases } from '../dns/message.ts';
import { Dns01Error } from '../errors.ts';
import { type Fqdn, parseName } from '../names.ts';
import { askAll, problemText } from './ask.ts';

/** What one name server shows at a name. */
export interface ServerRecords {
  readonly server: string;
  readonly values: readonly string[];
}

export interface FoundRecords {
  /** Where the records are: the name, or the end of its CNAMEs. */
  readonly name: Fqdn;
  readonly each: readonly ServerRecords[];
  /** The servers without a usable answer, and why. */
  readonly silent: readonly string[];
}

const MAX_CNAMES = 8;

/**
 * The TXT records at a name, as each of its own name servers shows them. CNAMEs are followed as a CA's resolver does.
 * @throws E_REMOTE where no server answers; E_ZONE for CNAMEs that lead nowhere
 */
export async function findRecords(name: Fqdn, run: Run): Promise<FoundRecords> {
  const passed: Fqdn[] = [name];
  for (let at = name; ; ) {
    const authority = await run.authorities.find(at);
    const question = { name: at, type: 'TXT' } as const;
    const { answers, problems } = await askAll(authority, question, run.deadline.signal);
    const each = answers.map(({ server, message }) => ({
      server,
      values: answersFor(message, question).map(({ data }) => data),
      end: endOfAliases(message, at),
    }));
    const alias = each.find(({ values, end }) => values.length === 0 && end !== at)?.end;
    if (each.length === 0) throw nothingRead(at, authority.zone, problems.map(problemText));
    if (alias === undefined) {
      return { name: at, each, silent: problems.filter(({ isTheirs }) => isTheirs).map(problemText) };
    }
    const target = parseName(alias);
    if (target === undefined || passed.includes(target) || passed.length > MAX_CNAMES) {
      const chain = [...passed, JSON.stringify(alias)].join(' -> ');
      throw new Dns01Error('E_ZONE', `the CNAMEs lead nowhere: ${chain}`, { hint: 'correct the CNAME records' });
    }
    passed.push(target);
    at = target;
  }
}

const nothingRead = (name: Fqdn, zone: Fqdn, silent: readonly string[]): Dns01Error =>
  new Dns01Error('E_REMOTE', `no name server of ${zone} answers for ${name}: ${silent.join('; ')}`, {
    hint: 'a CA reads nothing either, unless only this machine cannot reach them; dns01 doctor looks at the servers',
  });
