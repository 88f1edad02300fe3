import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import { defineProvider, type ProviderDocs, secret, type TxtRecord } from '../../src/provider.ts';
import { failedWith } from './failure.ts';
import { findFiles } from './files.ts';
import { WRAPPER } from './wrapper.ts';

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
  env: z.optional(
    z
      .record(
        z.string().check(z.regex(/^[A-Za-z_]\w*$/, 'expected the name of an environment variable')),
        secret('the value of the variable'),
      )
      .check(
        z.describe(
          "the script's credentials, by the names that acme.sh's documents give them (`CF_Token`), each a secret",
        ),
      ),
  ),
  shell: z._default(
    z
      .string()
      .check(
        z.regex(/^\/[^\0]*[^/\0]$/, 'expected the absolute path of a shell'),
        z.describe('shell that runs the script'),
      ),
    '/bin/sh',
  ),
  timeout: z._default(
    z.number().check(z.minimum(0.1), z.maximum(3600), z.describe('seconds for one call, then it is stopped')),
    300,
  ),
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
    'acme.sh 3.1.4 in dash and bash, with its dns_acmedns against a fake server and with a script made for it; no script against a real provider',
  notes: [
    'a bridge can promise only what the script keeps: some overwrite the other value at a name, some remove every value at it, some add a value twice. Where dns01 has a provider of its own, take that',
    'the scripts cannot list: add-txt always reports a change, remove-txt always a removal, and list-txt is refused',
    "the credentials come from env alone: acme.sh's account.conf is neither read nor written. What the script saves goes to a directory of its own that is removed after the call",
    'the script finds the zone itself, whatever the config says, and does not hear of the ttl',
    "acme.sh's functions need curl or wget, and some scripts openssl; where these need a proxy, name https_proxy in env",
    'the credentials are never in the arguments of the shell; whether the script passes them to curl in arguments is its own affair, and many do',
    'a script says only that it failed, not why it failed or how far it came: what its last line on stderr says is the error message',
  ],
};

export default defineProvider({
  type: 'acmesh',
  title: 'A dnsapi script of acme.sh',
  docs,
  options,
  http: false,
  create({ script, home = join(homedir(), '.acme.sh'), env = {}, shell, timeout }, context) {
    async function call(verb: 'add' | 'rm', { name, value }: TxtRecord): Promise<void> {
      const files = findFiles(home, script);
      const scratch = await mkdtemp(join(tmpdir(), 'dns01-acmesh-'));
      try {
        await writeFile(join(scratch, 'account.conf'), '', { mode: 0o600 });
        await writeFile(join(scratch, 'domain.conf'), '', { mode: 0o600 });
        const outcome = await context.runCommand({
          call: `${script}_${verb}`,
          file: shell,
          args: ['-c', WRAPPER, 'dns01', files.acme, files.api, `${script}_${verb}`, name, value],
          env: homesOf(home, scratch),
          secrets: env,
          sources: [files.acme, files.api],
          timeout: timeout * 1000,
        });
        if (outcome.exitCode !== 0) throw failedWith(`${script}_${verb}`, outcome, files);
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    }

    return {
      async addTxt(record) {
        await call('add', record);
        return { zone: record.zone ?? record.name, changed: true };
      },
      async removeTxt(record) {
        await call('rm', record);
        return 'removed';
      },
      async listTxt(name) {
        throw new Dns01Error('E_REJECTED', `${script} cannot be asked which values ${name} holds`, {
          hint: 'scripts of acme.sh can only add and remove: ask DNS instead, with dns01 wait-txt or dig',
        });
      },
    };
  },
});

/** What acme.sh sets up before it calls a script, with everything that is written in a directory that goes away. */
function homesOf(home: string, scratch: string): Record<string, string> {
  return {
    LE_WORKING_DIR: home,
    _SCRIPT_HOME: home,
    LE_CONFIG_HOME: scratch,
    LE_TEMP_DIR: scratch,
    TMPDIR: scratch,
    ACCOUNT_CONF_PATH: join(scratch, 'account.conf'),
    DOMAIN_CONF: join(scratch, 'domain.conf'),
    HTTP_HEADER: join(scratch, 'http.header'),
    USER_AGENT: 'dns01',
    NO_TIMESTAMP: '1',
    ACME_NO_COLOR: '1',
  };
}
