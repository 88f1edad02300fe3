import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import { defineProvider, type ProviderDocs, secret, type TxtRecord } from '../../src/provider.ts';
import { refusedByExit } from './exit-codes.ts';

const absolutePath = z
  .string()
  .check(z.regex(/^\/[^\0]*[^/\0]$/, 'expected the absolute path of a program, like /usr/local/bin/my-dns'));

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
      'absolute path of the program, or a list of it and the arguments that always come first (no secrets there: every user of the machine can see them)',
    ),
  ),
  env: z.optional(
    z
      .record(
        z.string().check(z.regex(/^[A-Za-z_]\w*$/, 'expected the name of an environment variable')),
        secret('the value of the variable'),
      )
      .check(z.describe('environment variables for the program, each a secret')),
  ),
  timeout: z._default(
    z.number().check(z.minimum(0.1), z.maximum(3600), z.describe('seconds for one call, then the program is stopped')),
    120,
  ),
});

const docs: ProviderDocs = {
  url: 'https://go-acme.github.io/lego/dns/exec/',
  rights: [
    "a program that can be called as `PROGRAM present NAME VALUE` and `PROGRAM cleanup NAME VALUE`, the contract of lego's exec provider; NAME ends with a dot",
    'other users must not be able to write the program',
  ],
  requests: { add: 'one call of the program', remove: 'one call of the program' },
  tried: 'with scripts on Linux',
  notes: [
    'the program has to add the value beside what is there, to remove exactly this value, and to take both for a success when there is nothing to do: dns01 cannot see to it, because the program cannot be asked what is there',
    'so add-txt always reports a change, remove-txt always a removal, and list-txt is refused',
    'it runs in the directory / with nothing on stdin, and with PATH, HOME, LANG and what env names as its whole environment',
    'the value comes as it is, also when it begins with a dash',
    'exit code 0 is a success; 65 refused, 68 no such zone, 75 try again later, 77 bad credentials and 78 bad configuration are understood, any other means that it failed and nobody knows how far it came',
    'the last line on stderr becomes the error message; nothing else of the output is shown, without --verbose',
    'when its time is up it gets SIGTERM, two seconds later SIGKILL, and so does all that it started in its process group',
  ],
};

export default defineProvider({
  type: 'exec',
  title: 'A program of your own',
  docs,
  options,
  http: false,
  create({ command: { file, fixed }, env = {}, timeout }, context) {
    async function call(verb: 'present' | 'cleanup', { name, value }: TxtRecord): Promise<void> {
      const args = [...fixed, verb, `${name}.`, value];
      const { exitCode, complaint } = await context.runCommand({
        call: `${file} ${verb}`,
        file,
        args,
        secrets: env,
        timeout: timeout * 1000,
      });
      if (exitCode !== 0) throw refusedByExit(`${file} ${verb}`, exitCode, complaint);
    }

    return {
      async addTxt(record) {
        await call('present', record);
        return { zone: record.zone ?? record.name, changed: true };
      },
      async removeTxt(record) {
        await call('cleanup', record);
        return 'removed';
      },
      async listTxt(name) {
        throw new Dns01Error('E_REJECTED', `${file} cannot be asked which values ${name} holds`, {
          hint: 'its contract knows only present and cleanup: ask DNS instead, with dns01 wait-txt or dig',
        });
      },
    };
  },
});
