import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { Dns01Error, isDns01Error } from '../../src/errors.ts';
import {
  absolutePath,
  callTimeout,
  cannotList,
  createKeyedMutex,
  defineProvider,
  environment,
  fileCheck,
  type ProviderDocs,
  type TxtRecord,
} from '../../src/provider.ts';
import { openSaved, type Saved } from './saved.ts';
import { failedWith, findFiles, functionChecks, WRAPPER } from './script.ts';

const options = z.strictObject({
  script: z
    .string()
    .check(
      z.regex(/^dns_[A-Za-z0-9_]+$/, 'expected the name of a dnsapi file without its ending, like dns_cf'),
      z.describe('dnsapi script, by its name without the ending: `dns_cf`, `dns_ovh`, …'),
    ),
  home: z.optional(
    z
      .string()
      .check(
        z.regex(/^\/[^\0]*$/, 'expected an absolute path'),
        z.describe('directory of acme.sh, where the file acme.sh and the directory dnsapi are; default: `~/.acme.sh`'),
      ),
  ),
  env: environment(
    "the script's credentials, by the names that acme.sh's documents give them (`CF_Token`), each a secret",
  ),
  shell: z._default(absolutePath.check(z.describe('shell that runs the script')), '/bin/sh'),
  timeout: callTimeout(300),
});

const docs: ProviderDocs = {
  url: 'https://github.com/acmesh-official/acme.sh/wiki/dnsapi',
  rights: [
    'acme.sh, installed on this machine; it need not be set up, and no certificate of it is touched',
    'the credentials that the script asks for, in env',
    'other users must not be able to write acme.sh and the script',
  ],
  requests: { add: 'whatever the script sends', remove: 'whatever the script sends' },
  tried:
    'acme.sh 3.1.4 in dash and bash, with its dns_acmedns, dns_bh, dns_bhosted, dns_jd and dns_selfhost against stand-ins of their APIs and with a script made for it; no script against a real provider',
  notes: [
    'a bridge can promise only what the script keeps: some overwrite the other value at a name, some remove every value at it, some add a value twice. Where dns01 has a provider of its own, take that',
    'the scripts cannot list: add-txt always reports a change, remove-txt always a removal, and list-txt is refused',
    "the credentials come from env alone: acme.sh's account.conf is neither read nor written. What the script saves is kept for each name in the state directory, without the credentials in env and for this user alone, until the removal is proven",
    "a script's word that it removed a value is checked in the DNS: where the name servers still show the value after 15 seconds, remove-txt ends with exit code 75, and dns01 sweep looks again later. It cannot be checked where the name servers cannot be asked; the script is then believed. Scripts that never remove anything, like dns_selfhost, always end so",
    'what a script remembers in variables of its shell is kept only where it is an id in a variable named like _X_TXT_ID_4711, as dns_bhosted does',
    'the script finds the zone itself, whatever the config says, and does not hear of the ttl',
    "acme.sh's functions need curl or wget, and some scripts openssl; where these need a proxy, name https_proxy in env",
    'the credentials are never in the arguments of the shell; whether the script passes them to curl in arguments is its own affair, and many do',
    'a script says only that it failed: its last telling line on stderr is the error message, and decides whether the credentials are to blame',
    'calls for the names of one zone are made one after the other, for many scripts share what they save',
  ],
};

/** The pauses while name servers may still show a removed value: fifteen seconds together. */
const PAUSES_MS = [1000, 2000, 4000, 8000];

export default defineProvider({
  type: 'acmesh',
  title: 'A dnsapi script of acme.sh',
  docs,
  options,
  http: false,
  anyZone: true,
  exclusive: true,
  create({ script, home = join(homedir(), '.acme.sh'), env = {}, shell, timeout }, context) {
    const oneAtATime = createKeyedMutex();

    async function call(verb: 'add' | 'rm', { name, value }: TxtRecord, saved: Saved): Promise<void> {
      const files = findFiles(home, script);
      const title = `${script}_${verb}`;
      const scratch = await mkdtemp(join(tmpdir(), 'dns01-acmesh-'));
      try {
        const paths = await saved.lend(scratch);
        const outcome = await context.runCommand({
          call: title,
          file: shell,
          args: ['-c', WRAPPER, 'dns01', files.acme, files.api, title, name, value],
          env: { ...homesOf(home, scratch), ...paths },
          secrets: env,
          sources: [files.acme, files.api],
          timeoutMs: timeout * 1000,
        });
        if (outcome.exitCode !== 0) throw failedWith(title, outcome, files);
      } finally {
        await saved.takeBack(scratch);
        await rm(scratch, { recursive: true, force: true });
      }
    }

    /** Whether the name servers show the value that the script says it removed. */
    const inTurn = <Result>({ name }: TxtRecord, task: (saved: Saved) => Promise<Result>): Promise<Result> =>
      oneAtATime(name, async () => task(await openSaved(join(await context.dataDirectory(), name), env)));

    async function remove(record: TxtRecord, saved: Saved): Promise<'removed'> {
      const { name, value } = record;
      // Scripts often fail on a second removal.
      if (saved.isRemoved(value) && (await context.seenInDns(name, value)) === false) {
        await saved.close(value);
        return 'removed';
      }
      await call('rm', record, saved);
      await saved.set(value, 'removed');
      let isThere = await context.seenInDns(name, value);
      for (const pauseMs of PAUSES_MS) {
        if (!isThere) break;
        await context.sleep(pauseMs);
        isThere = await context.seenInDns(name, value);
      }
      if (isThere) throw stillThere(script, name);
      if (isThere === false) await saved.close(value);
      return 'removed';
    }

    return {
      addTxt: (record) =>
        inTurn(record, async (saved) => {
          await saved.set(record.value, 'added');
          await call('add', record, saved).catch(async (error: unknown) => {
            if (!isDns01Error(error) || !error.outcomeUnknown) await saved.close(record.value);
            throw error;
          });
          return { zone: record.zone, changed: true };
        }),
      removeTxt: (record) => inTurn(record, (saved) => remove(record, saved)),
      async listTxt(name) {
        throw cannotList(script, name);
      },
      async checkRights() {
        return [fileCheck('run', shell, 'correct shell in the account'), ...functionChecks(home, script)];
      },
    };
  },
});

/** The environment that acme.sh sets up for a script, with a directory for everything that is written; removed after the call. */
function homesOf(home: string, scratch: string): Record<string, string> {
  return {
    LE_WORKING_DIR: home,
    _SCRIPT_HOME: home,
    LE_CONFIG_HOME: scratch,
    LE_TEMP_DIR: scratch,
    TMPDIR: scratch,
    HTTP_HEADER: join(scratch, 'http.header'),
    USER_AGENT: 'dns01',
    NO_TIMESTAMP: '1',
    ACME_NO_COLOR: '1',
  };
}

function stillThere(script: string, name: string): Dns01Error {
  return new Dns01Error('E_REMOTE', `${script}_rm: the script says that it is done, but ${name} still has the value`, {
    outcomeUnknown: true,
    hint: 'the name servers may need some minutes: run dns01 sweep later; if the value stays, this script cannot remove it',
  });
}
