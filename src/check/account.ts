import { urlOf } from '../accounts/connection.ts';
import { type ValidAccount, validAccount } from '../accounts/definition.ts';
import type { Run } from '../challenge/run.ts';
import type { ProviderDefinition } from '../provider.ts';
import { type Finding, type Findings, type Reporter, reporterFor } from './finding.ts';
import { checkLogin, type NameToAsk } from './login.ts';
import { checkSecrets, secretsIn } from './secrets.ts';
import { checkTls } from './tls.ts';

/**
 * Checks one account: everything from the config to the provider's zones.
 * @param names that the user named and this account writes
 */
export async function* checkAccount(name: string, names: readonly NameToAsk[], run: Run): Findings {
  const report = reporterFor(`account ${name}`);
  let valid: ValidAccount;
  try {
    valid = await validAccount(name, run);
  } catch (error) {
    yield report.failed('config', error);
    return;
  }
  yield report.good('config', `provider ${valid.definition.type}`);
  yield* checkWait(valid.definition, run, report);
  const secrets: Finding[] = [];
  for await (const finding of checkSecrets(name, valid.options, run, report)) {
    secrets.push(finding);
    yield finding;
  }
  const url = urlOf(valid.options);
  const { ca, fingerprint } = valid.connection;
  if (url) yield* checkTls(url, ca !== undefined || fingerprint !== undefined, report);
  if (secrets.some(({ level }) => level === 'bad'))
    yield report.notChecked('login', 'a secret that it needs cannot be read');
  else yield* checkLogin(name, { names, hasSecrets: secretsIn(valid.options).length > 0 }, run, report);
}

/** Whether a wait lasts longer than the provider usually needs, e.g. one that publishes by cron. */
function* checkWait({ title, usualDelayMs = 0 }: ProviderDefinition, { config }: Run, report: Reporter) {
  const { timeout } = config.propagation;
  const seconds = usualDelayMs / 1000;
  if (seconds < timeout) return;
  yield report.warning(
    'wait',
    `${title} usually serves a change after ${seconds} s, but a wait ends after ${timeout} s`,
    `set propagation: { timeout: ${2 * seconds} } in ${config.fileToEdit}, and let your ACME client wait that long for its hook`,
  );
}
