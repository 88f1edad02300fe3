import { firstUseful } from './first-useful.ts';
import { type DnsMessage, isAnswer, type Question } from './message.ts';
import { query } from './query.ts';
import { type NameServer, QUERY_TIMEOUT_MS, ZONE_RACE } from './zone-cut.ts';

export interface AskAnySettings {
  readonly signal: AbortSignal;
  /** With signatures. */
  readonly dnssec?: boolean;
  /**
   * Whether the server has to be authoritative. `preferred`: an answer without authority counts where there is no other
   * one, as behind a firewall that answers in place of all servers.
   */
  readonly authority: 'required' | 'preferred' | 'ignored';
}

/** The first usable answer of a zone's servers, NOERROR or NXDOMAIN; undefined where none of them gives one. */
export async function askAny(
  servers: readonly NameServer[],
  question: Question,
  { signal, dnssec, authority }: AskAnySettings,
): Promise<DnsMessage | undefined> {
  let spare: DnsMessage | undefined;
  const best = await firstUseful(
    servers,
    async (server, raceSignal) => {
      const options = { recursive: false, dnssec, timeoutMs: QUERY_TIMEOUT_MS, signal: raceSignal };
      const result = await query(server, question, options);
      if (result.kind !== 'answer' || !isAnswer(result.message)) return undefined;
      if (authority === 'ignored' || result.message.authoritative) return result.message;
      if (authority === 'preferred') spare ??= result.message;
      return undefined;
    },
    { ...ZONE_RACE, signal },
  );
  return best ?? spare;
}
