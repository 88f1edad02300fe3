import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { expectFailure, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';

/** A whole provider in one file without a single import: it keeps its records in a text file. */
const PROVIDER = `import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';

export default ({ defineProvider, secret, z, Dns01Error }) =>
  defineProvider({
    type: 'notebook',
    title: 'Notebook',
    docs: { url: 'https://example.com', rights: [], requests: { add: '0', remove: '0' }, tried: 'here' },
    options: z.strictObject({ file: z.string(), password: secret('a password') }),
    http: false,
    create({ file, password }) {
      if (password === 'wrong-passphrase') throw new Dns01Error('E_AUTH', 'the password is wrong');
      const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\\n').filter(Boolean) : []);
      return {
        async addTxt({ name, value }) {
          const changed = !lines().includes(name + ' ' + value);
          if (changed) appendFileSync(file, name + ' ' + value + '\\n');
          return { zone: 'example.com', changed };
        },
        async removeTxt({ name, value }) {
          writeFileSync(file, lines().filter((line) => line !== name + ' ' + value).map((line) => line + '\\n').join(''));
          return 'removed';
        },
        async listTxt(name) {
          return lines().filter((line) => line.startsWith(name + ' ')).map((line) => line.split(' ')[1]);
        },
      };
    },
  });
`;
const NAME = '_acme-challenge.example.com';

let here: Workplace;
let notes: string;
beforeEach(async () => {
  here = await openWorkplace();
  notes = join(here.directory, 'notes.txt');
  await writeFile(join(here.directory, 'notebook.mjs'), PROVIDER, { mode: 0o644 });
});
afterEach(() => here.remove());

const config = (provider: string, password = 'note-password') =>
  `accounts:\n  mine:\n    provider: ${provider}\n    file: ${notes}\n    password: ${password}\ndns: { followCnames: false }\n`;

it("a third party's provider is loaded by its path, beside the config", async () => {
  await here.configure(config('./notebook.mjs'));
  expect(await here.run(['add-txt', '--no-wait', NAME, VALUE])).toMatchObject({
    code: 0,
    stdout: `${NAME}: published through account mine (notebook)\n`,
  });
  expect((await here.run(['list-txt', NAME])).stdout).toBe(`${VALUE}\n`);
  expect((await here.run(['remove-txt', NAME, VALUE])).code).toBe(0);
  expect((await here.run(['list-txt', NAME])).stdout).toBe('');
  await here.expectNoSecret('note-password');
});

it('by the name of a package that is installed beside the config', async () => {
  const folder = join(here.directory, 'node_modules', 'dns01-notebook');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"name":"dns01-notebook","type":"module","main":"index.js"}');
  await writeFile(join(folder, 'index.js'), PROVIDER, { mode: 0o644 });
  await here.configure(config('dns01-notebook'));
  expect((await here.run(['add-txt', '--no-wait', NAME, VALUE])).code).toBe(0);
});

it('is loaded while files beside it come and go, as those of an editor or of a state directory do', async () => {
  await here.configure(config('./notebook.mjs'));
  const comeAndGo = `const fs = require('node:fs');
    const folders = Array.from({ length: 300 }, (_, index) => 'folder-' + index);
    for (;;) {
      for (const folder of folders) fs.mkdirSync(folder);
      for (const folder of folders) fs.rmdirSync(folder);
    }`;
  const child = spawn(process.execPath, ['-e', comeAndGo], { cwd: here.directory, stdio: 'ignore' });
  try {
    for (let run = 0; run < 5; run++) {
      const { code, stderr } = await here.run(['list-txt', NAME]);
      expect(code, stderr).toBe(0);
    }
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

it('its errors are ours', async () => {
  await here.configure(config('./notebook.mjs', 'wrong-passphrase'));
  expectFailure(
    await here.run(['add-txt', '--no-wait', NAME, VALUE]),
    77,
    /account mine \(notebook\): the password is wrong/,
  );
});

it('its options are checked like those of any other', async () => {
  await here.configure(config('./notebook.mjs').replace('file:', 'fil:'));
  expectFailure(await here.run(['add-txt', '--no-wait', NAME, VALUE]), 78, /dns01\.yaml:\d: accounts\.mine\.fil/);
});

it('is refused when others can write the file', async () => {
  await here.configure(config('./notebook.mjs'));
  await chmod(join(here.directory, 'notebook.mjs'), 0o666);
  expectFailure(await here.run(['add-txt', '--no-wait', NAME, VALUE]), 78, /other users can write this file/);
});

it('is not loaded by a config in the current directory, which is not looked for', async () => {
  await here.configure(config('./notebook.mjs'));
  const found = { env: { DNS01_CONFIG: '', XDG_CONFIG_HOME: here.stateDirectory }, cwd: here.directory };
  expectFailure(await here.run(['add-txt', '--no-wait', NAME, VALUE], found), 78, /no config found/, /--config/);
});

it('is not looked for in the home directory', async () => {
  const folder = join(here.directory, 'home', '.node_modules', 'dns01-notebook');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"name":"dns01-notebook","type":"module","main":"index.js"}');
  await writeFile(join(folder, 'index.js'), PROVIDER, { mode: 0o644 });
  await here.configure(config('dns01-notebook'));
  const run = await here.run(['add-txt', '--no-wait', NAME, VALUE], { env: { HOME: join(here.directory, 'home') } });
  expectFailure(run, 78, /there is no provider "dns01-notebook"/);
});

it.each([
  ['./missing.mjs', /missing\.mjs cannot be loaded/],
  ['no-such-package', /there is no provider "no-such-package"$/m],
])('%s is refused with its place in the config', async (provider, message) => {
  await here.configure(config(provider));
  const outcome = await here.run(['add-txt', '--no-wait', NAME, VALUE]);
  expectFailure(outcome, 78, /dns01\.yaml:3: accounts\.mine\.provider: /);
  expectFailure(outcome, 78, message);
});

it('a module that exports something else is refused', async () => {
  await writeFile(join(here.directory, 'notebook.mjs'), 'export default { type: 1 };');
  await here.configure(config('./notebook.mjs'));
  expectFailure(await here.run(['add-txt', '--no-wait', NAME, VALUE]), 78, /default export of .* is not a provider/);
});
