import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { findConfigIfAny, newConfigFile } from '../config/find.ts';
import { Dns01Error } from '../errors.ts';
import { accountsIn, type FoundAccount } from '../import/accounts.ts';
import { readAcmeSh } from '../import/acme-sh.ts';
import { readCertbot } from '../import/certbot.ts';
import { readLego } from '../import/environment-file.ts';
import { readLexicon } from '../import/lexicon.ts';
import type { Tool } from '../import/names.ts';
import { type Plan, planImport, planText } from '../import/plan.ts';
import { type Found, openReader, type Reader } from '../import/sources.ts';
import { writePlan } from '../import/write.ts';
import type { Io } from '../output/io.ts';
import { oneColumn } from '../output/text.ts';
import { withQuestions } from './asking.ts';
import { isDefaultConfig, linesFor, quoted } from './client-lines.ts';
import type { Questions } from './init-questions.ts';
import type { CommonOptions } from './options.ts';

export interface ImportOptions extends CommonOptions {
  readonly from?: string;
  readonly yes: boolean;
}

const READERS: Readonly<Record<Tool, (from: string | undefined, reader: Reader) => Found>> = {
  'acme.sh': readAcmeSh,
  lego: readLego,
  certbot: readCertbot,
  lexicon: readLexicon,
};

/**
 * `dns01 import`: a config from what another tool has stored. Writes only with --yes, or after a question. Returns the
 * exit code.
 */
export const importFrom = (tool: Tool, options: ImportOptions, io: Io): Promise<number> =>
  withQuestions(io, options, (questions) => takeOver(tool, options, io, questions));

async function takeOver(tool: Tool, options: ImportOptions, io: Io, questions?: Questions): Promise<number> {
  const reader = openReader(io.env);
  const { accounts, warnings } = await accountsIn(READERS[tool](options.from, reader), tool, reader);
  for (const { secrets } of accounts) for (const secret of secrets.values()) io.redactor.keep(secret);
  if (accounts.length === 0) throw nothingFound(tool, options, warnings);
  const file = findConfigIfAny(options.config, io.env) ?? newConfigFile(io.env);
  const isThere = statSync(file, { throwIfNoEntry: false }) !== undefined;
  const plan = planImport(file, accounts, isThere);
  const notes = [
    ...warnings,
    ...readableNotes(accounts, reader),
    ...plan.withoutZones.map((name) => `no certificate uses the account ${name}: add its zones under zones:`),
  ];
  if (!options.quiet) for (const note of notes) io.stderr(`dns01: warning: ${oneColumn(note)}\n`);
  if (!options.json) io.stdout(planText(plan));
  const written = !options.dryRun && (options.yes || (await isConfirmed(plan, questions)));
  if (written) writePlan(plan);
  if (options.json) {
    const files = plan.secrets.map(({ file: secret, from }) => ({ file: secret, from }));
    const document = {
      action: 'import',
      written,
      config: plan.config.file,
      text: plan.shown,
      secrets: files,
      warnings: notes,
    };
    io.stdout(`${JSON.stringify({ ok: true, ...document })}\n`);
  } else if (written) io.stdout(`\nWritten. Next:\n${nextSteps(tool, accounts, file, io.env)}`);
  else io.stderr(`dns01: nothing was written${questions ? '' : '; add --yes to write it'}\n`);
  return 0;
}

function nothingFound(tool: Tool, { from }: ImportOptions, warnings: readonly string[]): Dns01Error {
  const [first, ...others] = warnings;
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  return new Dns01Error('E_CONFIG', first ? `${first}${more}` : `no credentials of ${tool} were found`, {
    hint: from === undefined ? 'name the file or directory with --from' : 'dns01 providers lists what dns01 knows',
  });
}

const readableNotes = (accounts: readonly FoundAccount[], { readableByAll }: Reader): string[] =>
  readableByAll
    .filter((path) => accounts.some(({ from }) => from === path))
    .map((path) => `every user of this machine can read ${path}: create new credentials, and chmod o-r ${path}`);

async function isConfirmed({ secrets }: Plan, questions?: Questions): Promise<boolean> {
  const files = secrets.length + 1;
  return questions?.confirm(`Write ${files === 1 ? 'this file' : `these ${files} files`}?`) ?? false;
}

/** What to run now, and what to change in the client. */
function nextSteps(tool: Tool, accounts: readonly FoundAccount[], file: string, env: Io['env']): string {
  const isDefault = isDefaultConfig(file, env);
  const found = accounts.flatMap(({ certificates }) => certificates);
  const certificates = found.length > 0 ? found : [{ names: ['example.com'] }];
  const variable = isDefault ? '' : `DNS01_CONFIG=${quoted(file)} `;
  const steps =
    tool === 'lexicon'
      ? [`${variable}dns01 add-txt _acme-challenge.${certificates[0]?.names[0]} VALUE`]
      : linesFor(tool, certificates, { config: isDefault ? undefined : file, again: true });
  const lines = [`${variable}dns01 doctor`, ...steps].map((line) => `  ${oneColumn(line)}\n`);
  return `${lines.join('')}\ndns01 reads the config and the secrets in ${dirname(file)} only as the user who owns them, or as root.\n`;
}
