import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** The DNS names on the first certificate of a PEM file, sorted. */
export async function certificateNames(pemFile: string): Promise<string[]> {
  const { subjectAltName } = new X509Certificate(await readFile(pemFile));
  return (subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice('DNS:'.length))
    .sort();
}
