import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOrThrow } from '../../lab/processes.ts';
import { pathOf } from '../../lab/programs.ts';
import type { Signing } from './zones.ts';

export interface SignedZone {
  /** The zone's file, one record a line. */
  readonly lines: readonly string[];
  /** Its DS records in the form `DS 4711 13 2 …`. */
  readonly ds: readonly string[];
}

export const textOf = (lines: readonly string[]): string => `${lines.join('\n')}\n`;

/** The name of a zone in file names. */
export const fileNameOf = (zone: string): string => (zone === '' ? 'root' : zone);

/** Makes the keys of a zone. `zone` is the empty string for the root. */
export async function makeKeys(
  dir: string,
  zone: string,
  { algorithm, twoKeys, spareKeys = 0 }: Signing = {},
): Promise<void> {
  const size = algorithm === 'RSASHA256' ? ['-b', '2048'] : [];
  const key = ['-q', '-K', dir, '-a', algorithm ?? 'ECDSAP256SHA256', ...size];
  await runOrThrow(pathOf('dnssec-keygen'), [...key, '-f', 'KSK', `${zone}.`]);
  if (twoKeys) await runOrThrow(pathOf('dnssec-keygen'), [...key, `${zone}.`]);
  for (let spare = 0; spare < spareKeys; spare++)
    await runOrThrow(pathOf('dnssec-keygen'), [...key, '-A', 'none', `${zone}.`]);
}

/** Signs a zone with its keys. What it says is not checked: some zones are to be broken. */
export async function sign(
  dir: string,
  zone: string,
  lines: readonly string[],
  signing: Signing = {},
): Promise<SignedZone> {
  const unsigned = join(dir, `${fileNameOf(zone)}.unsigned`);
  const signed = join(dir, `${fileNameOf(zone)}.signed`);
  await writeFile(unsigned, textOf(lines));
  const { denial = 'NSEC', twoKeys = false } = signing;
  await runOrThrow(pathOf('dnssec-signzone'), [
    ...['-S', '-P', '-K', dir, '-d', dir, '-o', `${zone}.`, '-O', 'full', '-f', signed],
    ...(twoKeys ? ['-x'] : ['-z']),
    ...(denial === 'NSEC' ? [] : ['-3', '-', '-H', '0']),
    ...(denial === 'opt-out' ? ['-A'] : []),
    ...timeOption('-s', signing.from),
    ...timeOption('-e', signing.until),
    unsigned,
  ]);
  return {
    lines: (await readFile(signed, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith(';')),
    ds: [...(await readFile(join(dir, `dsset-${zone}.`), 'utf8')).matchAll(/\sDS\s+(\d+ \d+ \d+) (.+)$/gm)].map(
      ([, numbers, digest = '']) => `DS ${numbers} ${digest.replaceAll(' ', '')}`,
    ),
  };
}

/** A moment so many seconds from now. */
function timeOption(option: string, seconds: number | undefined): string[] {
  if (seconds === undefined) return [];
  const moment = new Date(Date.now() + seconds * 1000).toISOString();
  return [option, moment.replaceAll(/[-:T]|\..*$/g, '')];
}
