import { isDelegatedZone } from '../../challenge/route.ts';
import type { Config } from '../../config/load.ts';
import { CLASS, encodeTxt, type Message, OPCODE, type Question, TYPE } from '../../dns/wire.ts';
import type { Fqdn } from '../../names.ts';
import { NOT_YOURS, wordingOf } from '../answer.ts';
import { judgeName, judgeValue } from '../judge.ts';
import { answerWithin, type Work } from '../work.ts';
import type { Client, UpdateCore } from './core.ts';
import { namesToRead } from './prerequisites.ts';
import { readUpdate, type Update } from './read-update.ts';
import { notNow, RCODE, REASON, type Reply, refused } from './reply.ts';
import { answerSoa, apexOf, soaRecord } from './zones.ts';

export interface UserRequestSettings {
  readonly core: UpdateCore;
  readonly work: Work;
  config(): Config;
  /** Milliseconds until an update gets an answer, even if its change is not done. */
  readonly answerWithinMs: number;
}

/** Answers the requests of users whose signature is right. */
export function createUserRequests(
  settings: UserRequestSettings,
): (request: Message, client: Client) => Promise<Reply> {
  const { core, work } = settings;
  return (request, client) => (request.opcode === OPCODE.UPDATE ? update : query)(request, client);

  async function query({ questions: [question] }: Message, client: Client): Promise<Reply> {
    if (question?.type === TYPE.SOA) return answerSoa(question, settings.config());
    if (question?.type !== TYPE.TXT) return refused('only SOA and TXT questions');
    const permitted = permit(question.name, client);
    if ('rcode' in permitted) return permitted;
    return inLine(client, [], async () => texts(question, await core.valuesAt(permitted.name, client)));
  }

  function texts(question: Question, values: readonly string[]): Reply {
    const config = settings.config();
    const apex = apexOf(question.name, config);
    const record = { name: question.wireName, type: TYPE.TXT, class: CLASS.IN, ttl: config.ttl };
    return {
      rcode: RCODE.NOERROR,
      authoritative: true,
      answers: values.map((value) => ({ ...record, data: encodeTxt(value) })),
      authorities: values.length === 0 && apex !== undefined ? [soaRecord(apex)] : [],
    };
  }

  async function update(request: Message, client: Client): Promise<Reply> {
    const wanted = readUpdate(request);
    if ('rcode' in wanted) return wanted;
    const refusal = refusalOf(wanted, client);
    if (refusal) return refusal;
    const read = namesToRead(wanted, (name) => permit(name, client));
    if ('rcode' in read) return read;
    const keys = [...wanted.adds, ...wanted.removes].map(({ name, value }) => `${name} ${value}`);
    return inLine(client, keys, () => core.carryOut(wanted, read, client));
  }

  /** For the first line that is not for this user, or not about a challenge. */
  function refusalOf({ adds, removes, clears }: Update, client: Client): Reply | undefined {
    for (const name of clears) {
      const permitted = permit(name, client);
      if ('rcode' in permitted) return permitted;
    }
    for (const { name, value } of [...adds, ...removes]) {
      const permitted = permit(name, client);
      if ('rcode' in permitted) return permitted;
      const wrong = judgeValue(permitted.name, value);
      if (wrong !== undefined) return refused(wrong);
    }
    return undefined;
  }

  function permit(text: string, { user: { principal } }: Client): { readonly name: Fqdn } | Reply {
    const isDelegated = isDelegatedZone(settings.config());
    // A user must not find out which names of others are in a delegated zone.
    const judged = judgeName(text, (name) => principal.mayWrite(name) && isDelegated(name));
    if ('refusal' in judged) return refused(judged.refusal);
    return principal.mayWrite(judged.name) ? judged : refused(NOT_YOURS);
  }

  async function inLine({ user }: Client, keys: readonly string[], task: () => Promise<Reply>): Promise<Reply> {
    const entered = work.enter(user.name, keys, task);
    if (!entered) return notNow('too many changes at once');
    const reply = entered.catch((error: unknown): Reply => {
      const { code, sentence } = wordingOf(error);
      if (code === 'E_ZONE' || code === 'E_USAGE') return refused(sentence);
      const reason = code === 'E_REMOTE' ? REASON.NETWORK_ERROR : REASON.OTHER;
      return { rcode: RCODE.SERVFAIL, reason: { code: reason, text: sentence } };
    });
    return answerWithin(reply, settings.answerWithinMs, () => notNow('the change takes too long, and continues'));
  }
}
