import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
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
