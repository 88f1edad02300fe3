import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { KEY_FILES } from './names.ts';
import type { Found, Reader } from './sources.ts';

/** lego's variables, from an environment file (KEY=value lines), else from the environment of this process. */
export function readLego(from: string | undefined, reader: Reader): Found {
  const file = from === undefined ? undefined : resolve(from);
  const all: Readonly<Record<string, string | undefined>> =
    file === undefined ? reader.env : parseEnv(reader.read(file));
  const values = new Map<string, string>();
  const files = new Map<string, string>();
  for (const [name, value] of Object.entries(all)) {
    if (!value) continue;
    if (KEY_FILES.has(name)) values.set(name, reader.read(value));
    else if (name.endsWith('_FILE')) files.set(name.slice(0, -'_FILE'.length), value);
    else values.set(name, value);
  }
  return { bags: [{ from: file ?? 'the environment', values, files }] };
}
