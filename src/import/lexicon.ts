import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { Dns01Error } from '../errors.ts';
import { type Bag, type Found, isDirectory, type Reader } from './sources.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const fileSchema = z.record(z.string(), z.union([scalar, z.record(z.string(), scalar)]));

const DEFAULT_DIRECTORY = '/etc/lexicon';

/**
 * lexicon.yml and lexicon_PROVIDER.yml of a directory, or one of them; without any, the variables of the environment.
 * Everything gets the name of the variable without LEXICON_: CLOUDFLARE_AUTH_TOKEN.
 */
export function readLexicon(from: string | undefined, reader: Reader): Found {
  const path = from === undefined ? DEFAULT_DIRECTORY : resolve(from);
  if (from === undefined && !existsSync(path)) return { bags: [environment(reader)] };
  if (!isDirectory(path)) return { bags: bagsIn(path, reader) };
  const files = reader.list(path).filter((name) => /^lexicon(_\w+)?\.ya?ml$/.test(name));
  return { bags: files.flatMap((name) => bagsIn(join(path, name), reader)) };
}

function environment({ env }: Reader): Bag {
  const own = Object.entries(env).flatMap(([name, value]): [string, string][] =>
    name.startsWith('LEXICON_') && value ? [[name.slice('LEXICON_'.length), value]] : [],
  );
  return { from: 'the environment', values: new Map(own) };
}

/** A provider in lexicon.yml is a block of keys; in its own file, the keys stand at the top. */
function bagsIn(file: string, reader: Reader): Bag[] {
  const content = parsed(file, reader.read(file));
  const own = /lexicon_(\w+)\.ya?ml$/.exec(file)?.[1];
  const blocks = own === undefined ? content : { [own]: content };
  return Object.entries(blocks).flatMap(([service, block]) =>
    typeof block === 'object' ? [{ from: file, service, values: valuesOf(service, block) }] : [],
  );
}

const valuesOf = (service: string, block: Readonly<Record<string, unknown>>): Map<string, string> =>
  new Map(
    Object.entries(block).flatMap(([key, value]): [string, string][] =>
      typeof value === 'object' ? [] : [[`${service}_${key}`.toUpperCase().replaceAll('-', '_'), String(value)]],
    ),
  );

function parsed(file: string, text: string): z.output<typeof fileSchema> {
  try {
    return z.parse(fileSchema, parse(text, { maxAliasCount: 0 }) ?? {});
  } catch {
    throw new Dns01Error('E_CONFIG', `${file}: not a config of lexicon`, {
      hint: 'expected YAML with a block of keys for each provider, or the keys of one provider in lexicon_PROVIDER.yml',
    });
  }
}
