import { Dns01Error, type ErrorCode } from '../../src/errors.ts';
import type { CommandOutcome } from '../../src/provider.ts';

/** What is known of the last lines of lexicon's tracebacks: `package.Exception: text`. The first match counts. */
const SIGNS: readonly { readonly sign: RegExp; readonly code: ErrorCode; readonly hint: string }[] = [
  {
    sign: /AuthenticationError|\b(401|403) (Client Error|Unauthorized|Forbidden)|PeerBadKey|PeerBadSignature|BadSignature/,
    code: 'E_AUTH',
    hint: 'check the credentials in env of the account, and that they are for this zone',
  },
  {
    sign: /ProviderNotAvailableError|invalid choice|unrecognized arguments|ModuleNotFoundError|ImportError/,
    code: 'E_CONFIG',
    hint: 'service has to be a name that lexicon --help lists, and what lexicon needs for it has to be installed',
  },
  {
    sign: /\b429 (Client Error|Too Many)/,
    code: 'E_RATE',
    hint: 'the provider asks to be asked less: try again later',
  },
  {
    sign: /ConnectionError|ConnectionRefusedError|Timeout|gaierror|SSLError|OSError|\b5\d\d Server Error/,
    code: 'E_REMOTE',
    hint: 'the provider cannot be reached or is out of order: try again later',
  },
];

const OTHERWISE = { code: 'E_REJECTED', hint: 'see all that lexicon says with --verbose' } as const;

/** These say that nothing was written: lexicon logs in before it writes. */
const NOTHING_DONE: ReadonlySet<ErrorCode> = new Set(['E_AUTH', 'E_CONFIG', 'E_RATE']);

/** A run that ended with another exit code than 0, as an error. */
export function failedWith(call: string, { exitCode, complaint }: CommandOutcome): Dns01Error {
  const { code, hint } = SIGNS.find(({ sign }) => sign.test(complaint)) ?? OTHERWISE;
  const told = complaint === '' ? '' : `: ${complaint}`;
  return new Dns01Error(code, `${call}: failed (exit code ${exitCode})${told}`, {
    hint,
    outcomeUnknown: !NOTHING_DONE.has(code),
  });
}
