import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import {
  createApi,
  type Fqdn,
  type HttpAnswer,
  type ProviderContext,
  type Refusal,
  refusalError,
  unexpectedAnswer,
} from '../../src/provider.ts';

/** A line of `v-list-dns-records`. */
export interface Row {
  /** The panel gives a new record the highest id plus one, so the id of a deleted record comes again. */
  readonly id: string;
  /** Relative to the zone, in Unicode; `@` for the zone itself. */
  readonly name: string;
  readonly type: string;
  readonly priority: string;
  /** In quotes where it holds a blank or a semicolon. */
  readonly value: string;
  readonly ttl: string;
  readonly isSuspended: boolean;
}

export interface NewRow extends Pick<Row, 'name' | 'type' | 'value' | 'priority' | 'ttl'> {}

export type HestiaClient = ReturnType<typeof createHestiaClient>;

/** What a role has to allow; the last only to list the zones, for doctor. */
export const COMMANDS = [
  'v-list-dns-records',
  'v-add-dns-record',
  'v-delete-dns-record',
  'v-list-dns-domains',
] as const;

/** Exit codes of the commands (Hestia, "REST API", return codes). */
const CODE = {
  args: 1,
  invalid: 2,
  missing: 3,
  limit: 8,
  login: 9,
  forbidden: 10,
  disabled: 11,
  parsing: 12,
  apiOff: 21,
};

const rows = z.record(
  z.string(),
  z.pipe(
    z.object({
      ID: z.string(),
      RECORD: z.string(),
      TYPE: z.string(),
      VALUE: z.string(),
      PRIORITY: z._default(z.string(), ''),
      TTL: z._default(z.string(), ''),
      SUSPENDED: z._default(z.string(), 'no'),
    }),
    z.transform(
      (row): Row => ({
        id: row.ID,
        name: row.RECORD,
        type: row.TYPE,
        priority: row.PRIORITY,
        value: row.VALUE,
        ttl: row.TTL,
        isSuspended: row.SUSPENDED === 'yes',
      }),
    ),
  ),
);

const domains = z.record(z.string(), z.object({ SUSPENDED: z._default(z.string(), 'no') }));

interface Account {
  readonly url: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly user: string;
}

/** The commands that a DNS-01 hook needs, over the API for access keys (since HestiaCP 1.6). */
export function createHestiaClient(
  { url, accessKey, secretKey, user }: Account,
  { http }: Pick<ProviderContext, 'http'>,
) {
  const api = createApi(
    { http },
    {
      url,
      headers: {},
      refusals: {
        404: {
          code: 'E_CONFIG',
          text: 'there is no API at this address',
          hint: 'set url to the address of the panel, e.g. https://panel.example.com:8083; an administrator may have switched the API off',
        },
      },
    },
  );

  /**
   * The answer to a command that ended with 0 or with one of these exit codes.
   * @throws what any other exit code means
   */
  async function run(command: string, args: readonly string[], accepts: readonly number[] = [], writes = false) {
    const numbered = Object.fromEntries([user, ...args].map((arg, index) => [`arg${index + 1}`, arg]));
    const answer = await api.send({
      method: 'POST',
      path: '/api/',
      call: command,
      form: { access_key: accessKey, secret_key: secretKey, cmd: command, ...numbered },
      writes,
      expected: [200, 204, 400, 401, 405, 422],
    });
    const code = Number(answer.headers['hestia-exit-code'] ?? Number.NaN);
    if (!Number.isInteger(code) || (code === 0) !== answer.status < 400) {
      throw unexpectedAnswer(answer, 'it has no exit code');
    }
    if (code !== 0 && !accepts.includes(code)) throw failureOf(answer, code, writes);
    return { answer, code };
  }

  function failureOf(answer: HttpAnswer, code: number, writes: boolean): Dns01Error {
    const words = wordsOf(answer);
    // From here on the record may be stored: the zone file was not written, or the name server did not start again.
    if (code >= CODE.parsing && code < CODE.apiOff) {
      return new Dns01Error(
        'E_REMOTE',
        `${answer.call}: the server failed (exit code ${code}): ${words.slice(0, 200)}`,
        {
          outcomeUnknown: writes,
          hint: 'try again later; if it stays, ask your hosting company',
        },
      );
    }
    return refusalError(answer, { refusalOf: () => refusalOf(code, words), messageOf: () => words });
  }

  function refusalOf(code: number, words: string): Refusal {
    if (code === CODE.login) {
      const hint = 'check accessKey and secretKey: make a new access key in the panel if it was deleted';
      return { code: 'E_AUTH', text: 'the login was refused', hint, loginRefused: true };
    }
    if (code === CODE.forbidden) return { code: 'E_AUTH', loginRefused: false, ...forbidden(words) };
    if (code === CODE.disabled || code === CODE.apiOff) {
      return {
        code: 'E_CONFIG',
        text: 'the API or the DNS of this panel is switched off',
        hint: 'ask the administrator of the panel to enable the API for all users (Server settings » Configure » Security)',
      };
    }
    if (code === CODE.limit) {
      return {
        code: 'E_REJECTED',
        text: 'the package allows no more DNS records',
        hint: 'delete records of the zone in the panel, or ask your hosting company for a larger package',
      };
    }
    return { code: 'E_REJECTED', hint: 'check the name and the zone in the panel' };
  }

  function forbidden(words: string): Pick<Refusal, 'text' | 'hint'> {
    if (/\bIP\b/.test(words)) {
      const hint = "ask the administrator to add this machine's address to the allowed IP addresses of the API";
      return { text: 'the panel does not accept this address', hint };
    }
    if (/doesn.{0,2}t match/.test(words)) {
      return { text: `the access key is not of the user ${user}`, hint: 'set user to the user of the access key' };
    }
    const hint = `let the administrator allow ${COMMANDS.join(', ')} in the role of the access key`;
    return { text: 'the access key may not run this command', hint };
  }

  return {
    /** @throws E_ZONE where the user does not have the zone */
    async rows(zone: Fqdn): Promise<Row[]> {
      const { answer, code } = await run('v-list-dns-records', [zone, 'json'], [CODE.missing, CODE.invalid]);
      if (code !== 0)
        throw refusalError(answer, { refusalOf: () => noZone(wordsOf(answer), zone), messageOf: wordsOf });
      return Object.values(http.decode({ ...answer, text: repaired(answer.text) }, rows));
    },

    /** Without a word about the restart: `yes` would stop the name server and start it again, instead of a reload. */
    async add(zone: Fqdn, { name, type, value, priority, ttl }: NewRow): Promise<void> {
      await run('v-add-dns-record', [zone, name, type, value, priority, '', '', ttl], [], true);
    },

    /** A record that is gone already is a success. */
    async remove(zone: Fqdn, id: string): Promise<void> {
      await run('v-delete-dns-record', [zone, id], [CODE.missing], true);
    },

    async *zones(): AsyncGenerator<{ readonly name: string; readonly active: boolean }> {
      const { answer } = await run('v-list-dns-domains', ['json']);
      const shown = http.decode(answer, domains);
      for (const [name, { SUSPENDED }] of Object.entries(shown)) yield { name, active: SUSPENDED !== 'yes' };
    },

    /** Whether the role of the key allows the command. Without its arguments, a command ends before it does anything. */
    mayRun: async (command: string): Promise<boolean> =>
      (await run(command, [], [CODE.args, CODE.forbidden])).code !== CODE.forbidden,
  };

  function noZone(words: string, zone: Fqdn): Refusal {
    if (/^user .*exist/.test(words)) {
      return {
        code: 'E_CONFIG',
        text: `there is no user ${user}`,
        hint: 'set user to the user of the panel who owns the zone',
      };
    }
    return {
      code: 'E_ZONE',
      text: `the user ${user} has no zone ${zone}`,
      hint: 'check that the DNS zone is in the panel and that user is its owner',
    };
  }
}

const wordsOf = ({ text }: HttpAnswer): string => text.replace(/^Error:\s*/, '').trim();

/**
 * The listing as JSON. The commands print it without escaping backslashes, and two records may have the same id, because
 * nothing keeps two commands from running at once; each record gets a key of its own.
 */
function repaired(text: string): string {
  let count = 0;
  return text
    .replace(/^(\s*)"[^"]*": \{$/gm, (_line, indent: string) => `${indent}"${count++}": {`)
    .replace(/\\(["\\]|u[\da-fA-F]{4})|\\/g, (found, known?: string) => (known === undefined ? '\\\\' : found));
}
