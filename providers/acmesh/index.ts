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
      z.describe('name of the dnsapi script, without `.sh`: `dns_cf`, `dns_ovh`, …'),
    ),
  home: z.optional(
    z
      .string()
      .check(
        z.regex(/^\/[^\0]*$/, 'expected an absolute path'),
        z.describe('directory that contains the file `acme.sh` and the directory `dnsapi`; default: `~/.acme.sh`'),
      ),
  ),
  env: environment(
    "the script's credentials, with the names from acme.sh's documentation (`CF_Token`); each is a secret",
  ),
  shell: z._default(absolutePath.check(z.describe('shell that runs the script')), '/bin/sh'),
  timeout: callTimeout(300),
});

const docs: ProviderDocs = {
  url: 'https://github.com/acmesh-official/acme.sh/wiki/dnsapi',
  rights: [
    'acme.sh on this machine. You do not have to configure it, and dns01 does not touch its certificates.',
    'The credentials that the script needs, in `env`.',
    'acme.sh and the script must belong to root or to you, and no one else may be able to write them.',
  ],
  requests: { add: 'depends on the script', remove: 'depends on the script' },
  tried:
    'With acme.sh 3.1.4 in dash and bash: its dns_acmedns, dns_bh, dns_bhosted, dns_jd and dns_selfhost against stand-ins of their APIs, and a script written for the tests. No script was tried against a real provider.',
  notes: [
    'Scripts differ: some overwrite the other value at a name, some remove every value at it, some add a value twice. If dns01 has its own provider for your DNS, use that.',
    'Scripts cannot list values. add-txt and remove-txt always report a change, and list-txt fails.',
    "Credentials come only from `env`. dns01 does not read or write acme.sh's account.conf. What the script saves is stored for each name in the state directory, without these credentials and readable only by this user, until the removal is confirmed.",
    'When a script reports a removal, dns01 checks the DNS. If the name servers still show the value after 15 seconds, remove-txt exits with code 75, and `dns01 sweep` checks again later. This always happens with scripts that never remove anything, like dns_selfhost. If the name servers do not answer, dns01 relies on the script.',
    'Shell variables of a script are kept only if they hold an id and are named like `_X_TXT_ID_4711`, as in dns_bhosted.',
    'The script finds the zone itself. It ignores the zone and the ttl of the config.',
    "acme.sh's functions need curl or wget, and some scripts need openssl. If you need a proxy, set https_proxy in `env`.",
    'dns01 does not pass credentials as arguments. But many scripts pass them to curl that way, where other users of the machine can see them.',
    'A script only says that it failed. dns01 uses its last meaningful line on stderr as the error message, and to tell whether the credentials are wrong.',
    'dns01 makes the calls for one zone one after the other, because many scripts share what they save.',
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
    for (const secret of Object.values(env)) context.keepSecret(secret);

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
      oneAtATime(name, async () =>
        task(await openSaved(join(await context.dataDirectory(), name), env, context.holdsSecret)),
      );

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
