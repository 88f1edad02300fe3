/** What the suites of all real panels do. */
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Workplace } from '../../support/cli.ts';
import type { Endpoint } from '../lab/addresses.ts';
import { liveCertificate, runCertbot } from '../lab/certbot.ts';
import { certificateNames } from '../lab/certificate.ts';
import type { Pebble } from '../lab/pebble.ts';
import { txtValues } from '../lab/records.ts';
import { holdsWithin } from '../lab/until.ts';
import { OUR_HOOKS } from './hooks.ts';
import { expectSuccess } from './outcome.ts';

export const ZONES = ['example.com', 'sub.example.com'];
export const FOREIGN = 'a value of somebody else';

/** The config of one account at a panel whose zones this name server has. */
export function panelConfig(
  login: Readonly<Record<string, unknown>>,
  { host, port }: Endpoint,
  zones: readonly string[] = ZONES,
): string {
  const server = `${host}:${port}`;
  return JSON.stringify({
    accounts: { panel: login },
    zones: Object.fromEntries(zones.map((zone) => [zone, 'panel'])),
    dns: {
      resolvers: [server],
      allowNetworks: ['127.0.0.0/8'],
      nameservers: Object.fromEntries(zones.map((zone) => [zone, [server]])),
    },
    propagation: { timeout: 120, interval: 0.5 },
  });
}

/** A panel takes a moment until its name server shows what it has stored. */
export async function expectServed(dns: Endpoint, name: string, values: readonly string[]): Promise<void> {
  const expected = [...values].sort();
  await holdsWithin(20, async () => String(await txtValues(dns, name)) === String(expected));
  expect(await txtValues(dns, name)).toEqual(expected);
}

interface Lab {
  readonly dir: string;
  readonly pebble: Pebble;
  readonly here: Workplace;
  readonly ending: AbortSignal;
}

/** certbot gets a certificate for an apex, its wildcard and a name of a deeper zone. */
export async function getCertificate({ dir, pebble, here, ending }: Lab): Promise<void> {
  const domains = ['example.com', '*.example.com', 'www.sub.example.com'];
  const hooks = ['--manual-auth-hook', OUR_HOOKS.auth, '--manual-cleanup-hook', OUR_HOOKS.cleanup];
  const env = { DNS01_CONFIG: join(here.directory, 'dns01.yaml'), DNS01_STATE_DIR: here.stateDirectory };
  const asked = domains.flatMap((domain) => ['-d', domain]);
  expectSuccess(await runCertbot(['certonly', ...hooks, ...asked], { dir, pebble, ending, env }));
  expect(await certificateNames(liveCertificate(dir, 'example.com'))).toEqual([...domains].sort());
}
