import * as z from 'zod/mini';
import { Dns01Error, type ErrorCode } from '../../src/errors.ts';
import {
  absolutePath,
  callTimeout,
  cannotList,
  defineProvider,
  environment,
  fileCheck,
  type ProviderDocs,
  type TxtRecord,
} from '../../src/provider.ts';

const argument = z.string().check(z.regex(/^[^\0]*$/, 'expected text without a NUL character'));

const command = z.pipe(
  z.union(
    [absolutePath, z.tuple([absolutePath], argument)],
    'expected the absolute path of a program, or a list that begins with it: [PATH, ARGUMENT, …]',
  ),
  z.transform((given: string | [string, ...string[]]) => {
    const [file, ...fixed] = typeof given === 'string' ? ([given] as const) : given;
    return { file, fixed };
  }),
);

const options = z.strictObject({
  command: command.check(
    z.describe(
      'absolute path of the program, or a list of the path and its first arguments (no secrets here: other users of the machine can see arguments)',
    ),
  ),
  env: environment('environment variables for the program; each is a secret'),
  timeout: callTimeout(120),
});

const docs: ProviderDocs = {
  url: 'https://go-acme.github.io/lego/dns/exec/',
  rights: [
    "A program that works as `PROGRAM present NAME VALUE` and `PROGRAM cleanup NAME VALUE`, like those for lego's exec provider. NAME ends with a dot.",
    'The program must belong to root or to you, and no one else may be able to write it.',
  ],
  requests: { add: 'one call of the program', remove: 'one call of the program' },
  tried: 'With scripts on Linux.',
  notes: [
    'The program must add the value beside existing ones, remove exactly this value, and report success if there is nothing to do. dns01 cannot check that, because the program cannot list values.',
    'For the same reason, add-txt and remove-txt always report a change, and list-txt fails.',
    'The program runs in the directory `/` with empty stdin. Its environment is PATH, HOME, LANG and the variables in `env`.',
    'The value may begin with a dash.',
    'Exit codes: 0 success, 65 refused, 68 no such zone, 75 try again later, 77 wrong credentials, 78 wrong configuration. Any other code means that the program failed and may have done part of the work.',
    'The last line on stderr becomes the error message. `--verbose` shows the rest of the output.',
    'After `timeout`, the program and its process group get SIGTERM, and two seconds later SIGKILL.',
  ],
};

export default defineProvider({
  type: 'exec',
  title: 'A program of your own',
  docs,
  options,
  http: false,
  anyZone: true,
  create({ command: { file, fixed }, env = {}, timeout }, context) {
    async function call(verb: 'present' | 'cleanup', { name, value }: TxtRecord): Promise<void> {
      const args = [...fixed, verb, `${name}.`, value];
      const title = `${file} ${verb}`;
      const ended = await context.runCommand({ call: title, file, args, secrets: env, timeoutMs: timeout * 1000 });
      if (ended.exitCode !== 0) throw refusedByExit(title, ended.exitCode, ended.complaint);
    }

    return {
      async addTxt(record) {
        await call('present', record);
        return { zone: record.zone, changed: true };
      },
      async removeTxt(record) {
        await call('cleanup', record);
        return 'removed';
      },
      async listTxt(name) {
        throw cannotList(file, name);
      },
      checkRights: async () => [fileCheck('run', file, `correct command in the account, or: chmod u+x ${file}`)],
    };
  },
});

/** The meaning of a program's exit code (sysexits.h): the same codes that dns01 itself ends with. */
const MEANINGS: Readonly<Record<number, { code: ErrorCode; says: string; hint: string }>> = {
  65: { code: 'E_REJECTED', says: 'refused', hint: 'the program says that the provider does not accept it' },
  68: { code: 'E_ZONE', says: 'no zone for the name', hint: 'the program says that it knows no zone for this name' },
  75: { code: 'E_REMOTE', says: 'failed for now', hint: 'the program says that it may work later' },
  77: {
    code: 'E_AUTH',
    says: 'not allowed',
    hint: 'the program says that its credentials or rights are not enough: check env of the account',
  },
  78: { code: 'E_CONFIG', says: 'not configured correctly', hint: 'the program says that its configuration is wrong' },
};

/** After these codes, nothing was done. After any other failure, part of the work may be done. */
const NOTHING_DONE: ReadonlySet<number> = new Set([65, 68, 77, 78]);

/** A failed call as an error. `complaint` is the last line of the program's stderr; it may be empty. */
function refusedByExit(call: string, exitCode: number, complaint: string): Dns01Error {
  const meaning = MEANINGS[exitCode];
  const { code, says, hint } = meaning ?? { code: 'E_REJECTED' as const, says: 'failed', hint: UNKNOWN };
  const because = complaint === '' ? '' : `: ${complaint}`;
  return new Dns01Error(code, `${call}: ${says} (exit code ${exitCode})${because}`, {
    hint,
    outcomeUnknown: !NOTHING_DONE.has(exitCode),
  });
}

const UNKNOWN = 'run the program by hand with the same arguments, or see its output with --verbose';
