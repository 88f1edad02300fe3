import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Wanted } from '../check/wanted.ts';
import { findConfigIfAny, newConfigFile } from '../config/find.ts';
import { Dns01Error } from '../errors.ts';
import { checkFound } from '../import/accounts.ts';
import { loadExtensible, type Plan, planImport, planText } from '../import/plan.ts';
import { writePlan } from '../import/write.ts';
import type { Fqdn } from '../names.ts';
import type { Io } from '../output/io.ts';
import { withQuestions } from './asking.ts';
import { type Client, installedClients, isDefaultConfig, linesFor, quoted } from './client-lines.ts';
import { doctor } from './doctor.ts';
import { makeAccount } from './init-account.ts';
import { findPlace } from './init-place.ts';
import type { Questions } from './init-questions.ts';
import type { CommonOptions } from './options.ts';

export interface InitOptions extends CommonOptions {
  readonly provider?: string;
  readonly client?: Client;
  readonly yes: boolean;
  /** Publish a value, wait for it and remove it. */
  readonly test: boolean;
  /** The options of the provider, as they were given. */
  readonly words: readonly string[];
}

/**
 * `dns01 init`: writes a config and the files of its secrets, tests them, and prints what to run then. On a terminal it
 * asks what neither the options nor the DNS say. Returns the exit code.
 */
export const init = (options: InitOptions, io: Io): Promise<number> =>
  withQuestions(io, options, (questions) => setUp(options, io, questions));

async function setUp(options: InitOptions, io: Io, questions?: Questions): Promise<number> {
  const file = findConfigIfAny(options.config, io.env) ?? newConfigFile(io.env);
  const isThere = statSync(file, { throwIfNoEntry: false }) !== undefined;
  const before = isThere ? loadExtensible(file) : undefined;
  const place = await findPlace(options, { io, file, before, questions });
  const found = await makeAccount(place.definition, options, io, questions);
  const name = options.account ?? freeName(found.provider, Object.keys(before?.accounts ?? {}));
  const account = { ...found, name, zone: place.zone };
  const plan = planImport(file, [account], isThere);
  await checkFound(account);
  const clients = await clientsFor(options, io, questions);
  const written = !options.dryRun && (!before || options.yes || (await mayAdd(name, file, questions)));
  if (written) writePlan(plan);
  const lines = Object.fromEntries(
    clients.map((client) => [
      client,
      linesFor(client, [{ names: namesOf(place) }], { config: isDefaultConfig(file, io.env) ? undefined : file }),
    ]),
  );
  const outcome = { written, plan, lines, domain: place.wanted.domain };
  return options.json ? asDocument(outcome, options, io) : asText(outcome, options, io);
}

interface Outcome {
  readonly written: boolean;
  readonly plan: Plan;
  readonly lines: Readonly<Record<string, readonly string[]>>;
  readonly domain: Fqdn;
}

async function asText({ written, plan, lines, domain }: Outcome, options: InitOptions, io: Io): Promise<number> {
  const { file } = plan.config;
  if (!written) {
    io.stdout(planText(plan));
    io.stderr('dns01: nothing was written\n');
    return 0;
  }
  const files = [file, ...plan.secrets.map((secret) => secret.file)];
  if (io.isTerminal) io.stderr('\n');
  io.stdout(`Written, for you alone to read:\n${indented(files)}`);
  if (options.test) {
    io.stdout(`\nThe test: a value at _acme-challenge.${domain}\n`);
    await test(domain, file, options, io);
  }
  for (const [client, text] of Object.entries(lines))
    io.stdout(`\nThe certificate, with ${client}:\n${indented(text)}`);
  if (Object.keys(lines).length === 0)
    io.stdout('\nNo ACME client is in your PATH. dns01 hook --help has the lines for each.\n');
  io.stdout(`\ndns01 reads the files in ${dirname(file)} only as the user who owns them, or as root.\n`);
  return 0;
}

/** @throws as the doctor, after the user knows that the files stay */
async function test(domain: Fqdn, file: string, options: InitOptions, io: Io): Promise<number> {
  const { account: _, zone: __, ...common } = options;
  const request = { names: [domain], issuer: undefined, accountUri: undefined, write: true, asCron: false };
  try {
    return await doctor({ ...common, config: file, ...request }, io);
  } catch (error) {
    const again = `dns01 doctor${isDefaultConfig(file, io.env) ? '' : ` --config ${quoted(file)}`} --write ${domain}`;
    io.stderr(`dns01: the files stay. Correct what is bad, then run: ${again}\n`);
    throw error;
  }
}

/** One document, with the findings of the test. */
async function asDocument({ written, plan, lines, domain }: Outcome, options: InitOptions, io: Io): Promise<number> {
  const printed: string[] = [];
  const quiet = { ...io, stdout: (text: string) => void printed.push(text) };
  const code = written && options.test ? await test(domain, plan.config.file, options, quiet) : 0;
  const { findings = [] } = printed.length > 0 ? JSON.parse(printed.join('')) : {};
  const secrets = plan.secrets.map(({ file }) => ({ file }));
  const document = { action: 'init', written, config: plan.config.file, text: plan.shown, secrets, lines, findings };
  io.stdout(`${JSON.stringify({ ok: code === 0, ...document })}\n`);
  return code;
}

/** @throws E_USAGE where nobody can be asked */
async function mayAdd(account: string, file: string, questions?: Questions): Promise<boolean> {
  if (questions) return questions.confirm(`Add the account ${account} to ${file}?`);
  throw new Dns01Error('E_USAGE', `${file} is there already, so nothing was written`, {
    hint: `add --yes to add the account ${account} to it, or use another file: --config FILE`,
  });
}

const indented = (lines: readonly string[]): string => lines.map((line) => `  ${line}\n`).join('');

/** `cloudflare`, or `cloudflare-2` where that is taken. */
function freeName(provider: string, taken: readonly string[]): string {
  for (let count = 1; ; count++) {
    const name = count === 1 ? provider : `${provider}-${count}`;
    if (!taken.includes(name)) return name;
  }
}

async function clientsFor({ client }: InitOptions, io: Io, questions?: Questions): Promise<readonly Client[]> {
  if (client) return [client];
  const installed = installedClients(io.env);
  return installed.length > 1 && questions ? [await questions.client(installed)] : installed;
}

/** A zone gets its wildcard too. */
function namesOf({ wanted, zone }: { readonly wanted: Wanted; readonly zone: Fqdn | undefined }): string[] {
  const { domain, wildcard } = wanted;
  return wildcard || domain === zone ? [domain, `*.${domain}`] : [domain];
}
