import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Dns01Error, type ErrorCode } from '../../src/errors.ts';
import { type CommandOutcome, fileCheck, type RightCheck } from '../../src/provider.ts';

/**
 * The script for /bin/sh. Its arguments are acme.sh, the dnsapi file, the function, the name and the value. acme.sh ends
 * with `main "$@"` and so runs its first argument: `:` makes it only define its functions. POSIX has no arguments for
 * `.`, so they are set before it. No dnsapi function returns the exit codes 120 to 122, so they are ours. Ids that a
 * function leaves in variables are kept, if their values can only be ids.
 */
export const WRAPPER = `
_dns01_acme=$1 _dns01_api=$2 _dns01_function=$3 _dns01_name=$4 _dns01_value=$5
umask 077
set -- :
. "$_dns01_acme" >/dev/null || exit 120
set --
. "$_dns01_api" >/dev/null || exit 121
command -v "$_dns01_function" >/dev/null || exit 122
[ ! -f "$DNS01_VARIABLES" ] || . "$DNS01_VARIABLES"
"$_dns01_function" "$_dns01_name" "$_dns01_value" || exit 1
set | grep -E "^_[A-Z0-9_]+_ID_[0-9a-f]+='?[A-Za-z0-9-]+'?$" >"$DNS01_VARIABLES"
exit 0
`;

/** The wrapper's own exit codes. */
const EXIT = { acmeNotRead: 120, apiNotRead: 121, noFunction: 122 } as const;

/** The paths of acme.sh and of the dnsapi file. */
export interface AcmeshFiles {
  readonly acme: string;
  readonly api: string;
}

/** The places where acme.sh itself looks for its dnsapi files. */
const placesOf = (home: string, script: string) => [join(home, 'dnsapi', `${script}.sh`), join(home, `${script}.sh`)];

/** @throws E_CONFIG */
export function findFiles(home: string, script: string): AcmeshFiles {
  const acme = join(home, 'acme.sh');
  if (!existsSync(acme)) {
    throw new Dns01Error('E_CONFIG', `there is no acme.sh in ${home}`, {
      hint: 'install acme.sh, or set home to its directory',
    });
  }
  const places = placesOf(home, script);
  const api = places.find((place) => existsSync(place));
  if (api !== undefined) return { acme, api };
  throw new Dns01Error('E_CONFIG', `acme.sh has no ${script}: looked for ${places.join(' and ')}`, {
    hint: `list its scripts with: ls ${join(home, 'dnsapi')}`,
  });
}

/** Whether acme.sh and the script are there, and the script has both functions. */
export function functionChecks(home: string, script: string): RightCheck[] {
  const acme = fileCheck('read', join(home, 'acme.sh'), 'install acme.sh, or set home to its directory');
  const api = placesOf(home, script).find((place) => existsSync(place));
  const hint = `list its scripts with: ls ${join(home, 'dnsapi')}`;
  if (api === undefined) return [acme, { right: `script ${script}`, held: false, hint }];
  const file = fileCheck('read', api, hint);
  const text = file.held ? readFileSync(api, 'utf8') : '';
  const functions = ['add', 'rm'].map((verb) => ({
    right: `function ${script}_${verb}`,
    held: new RegExp(`^\\s*(?:function\\s+)?${script}_${verb}\\s*\\(\\)`, 'm').test(text),
    hint: `check that ${api} is a complete dnsapi script of acme.sh`,
  }));
  return [acme, file, ...functions];
}

const CREDENTIAL = String.raw`\b\w*(token|key|secret|credentials?|password|username|user|login|uuid)\b`;

/** What scripts print when a credential is missing. */
const MISSING = [
  String.raw`(n't|\bnot|\bmust|\bplease|\bneed|\brequire)\b.*\b(spe[cs]if|provid|export|defin|passed)`,
  String.raw`\b(must|need|please)\b.*\bset\b|\bhave not set\b|\bnot set\.?$|\bexport it as\b`,
  String.raw`^(no|missing)\b.*${CREDENTIAL}|${CREDENTIAL}.*\b(not found|must be present)`,
  String.raw`\b(is|are) (empty|missing|required)\b`,
];

const REFUSED = [
  String.raw`unauthori[sz]ed|forbidden|access denied|authenticat|login failed|\b40[13]\b`,
  String.raw`\b(invalid|wrong|incorrect|bad)\b.*${CREDENTIAL}`,
  String.raw`${CREDENTIAL}.*\b(invalid|wrong|incorrect|denied|refused|rejected|expired)`,
];

/** The first match decides. Collected from the messages of the scripts in acme.sh 3.1.4. */
const SIGNS: readonly { readonly sign: RegExp; readonly code: ErrorCode; readonly hint: string }[] = [
  {
    sign: new RegExp(MISSING.join('|'), 'i'),
    code: 'E_CONFIG',
    hint: 'put what the script asks for into env of the account, by that name',
  },
  { sign: new RegExp(REFUSED.join('|'), 'i'), code: 'E_AUTH', hint: 'check the credentials in env of the account' },
];

/** Lines that do not say what went wrong. */
const POLITE = /^\s*(please|see|try again|for more|you can)\b|^\s*$/i;

/** A failed call as an error. A script that ran and failed may have written before that. */
export function failedWith(
  call: string,
  { exitCode, complaint, complaints }: CommandOutcome,
  files: AcmeshFiles,
): Dns01Error {
  const because = complaint === '' ? '' : `: ${complaint}`;
  switch (exitCode) {
    case EXIT.acmeNotRead:
      return new Dns01Error('E_CONFIG', `${call}: ${files.acme} cannot be read by the shell${because}`, {
        hint: 'check that it is the complete file acme.sh',
      });
    case EXIT.apiNotRead:
      return new Dns01Error('E_CONFIG', `${call}: ${files.api} cannot be read by the shell${because}`, {
        hint: 'a script for bash needs shell: /bin/bash',
      });
    case EXIT.noFunction:
      return new Dns01Error('E_CONFIG', `${call}: ${files.api} has no function of that name`, {
        hint: 'check that it is a complete dnsapi script of acme.sh',
      });
  }
  const lines = complaints.toReversed();
  for (const { sign, code, hint } of SIGNS) {
    const line = lines.find((text) => sign.test(text));
    if (line) return new Dns01Error(code, `${call}: failed (exit code ${exitCode}): ${line}`, { hint });
  }
  const line = lines.find((text) => !POLITE.test(text)) ?? complaint;
  return new Dns01Error('E_REJECTED', `${call}: failed (exit code ${exitCode})${line ? `: ${line}` : ''}`, {
    outcomeUnknown: true,
    hint: 'check the credentials in env, and see the whole output of the script with --verbose; a script for bash needs shell: /bin/bash',
  });
}
