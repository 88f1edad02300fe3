import { chmod, copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { providers } from '../../providers/index.ts';
import { validAccount } from '../../src/accounts/definition.ts';
import { loadConfig } from '../../src/config/load.ts';
import { root } from '../support/paths.ts';

it('config.example.yaml is a config, with every provider in it', async () => {
  // A checkout may be writable for a group, which no config may be.
  const directory = await mkdtemp(join(tmpdir(), 'dns01-example-'));
  const file = join(directory, 'config.yaml');
  await copyFile(`${root}config.example.yaml`, file);
  await chmod(file, 0o600);
  const config = loadConfig(file);
  for (const account of Object.keys(config.accounts)) await validAccount(account, { config });
  const used = Object.values(config.accounts).map(({ provider }) => provider);
  expect(used.sort()).toEqual(Object.keys(providers).sort());
  await rm(directory, { recursive: true });
});

it('docs/config.schema.json, for editors, takes config.example.yaml and sees a misspelt key', async () => {
  const validate = new Ajv2020({ strict: false }).compile(
    JSON.parse(await readFile(`${root}docs/config.schema.json`, 'utf8')),
  );
  const text = await readFile(`${root}config.example.yaml`, 'utf8');
  expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
  const others = [
    ['password: { file:', 'password: { fil:'],
    ['ca: /etc/', 'cacert: /etc/'],
  ];
  for (const [right = '', wrong = ''] of others) expect(validate(parse(text.replace(right, wrong))), wrong).toBe(false);
});
