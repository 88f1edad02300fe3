// Goes both ways, in namespaces of its own, and writes what was seen to stdout as JSON.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { linesFor } from '../../../src/cli/client-lines.ts';
import { CLOUDFLARE_TOKEN } from '../../fakes/cloudflare.ts';
import type { Machine } from './machine.ts';
import { type Step, take, timed } from './way.ts';
import { openWorld, ZONE } from './world.ts';

const [deb = ''] = process.argv.slice(2);
const world = await openWorld();

const CERTBOT = '/etc/letsencrypt/live/example.com/fullchain.pem';

/** Somebody who has the package and nothing else. */
async function fromPackage(machine: Machine): Promise<[Step[], string]> {
  const install = await take(machine, `dpkg --install --force-depends ${basename(deb)}`);
  const init = await take(machine, 'dns01 init', [
    ['Which domain', ZONE],
    ['Who holds the zone? Its name servers are those of Cloudflare', ''],
    ['API token', CLOUDFLARE_TOKEN],
    ['Which ACME client', ''],
  ]);
  const [, lines = ''] = /with certbot:\n((?: {2}.*\n)+)/.exec(init.screen) ?? [];
  const certbot = await take(machine, lines.replace(/^ {2}/gm, '').trim());
  return [[install, init, certbot], CERTBOT];
}

/** Somebody who has certificates from acme.sh. */
async function fromAcmeSh(machine: Machine): Promise<[Step[], string]> {
  const install = await take(machine, `dpkg --install --force-depends ${basename(deb)}`);
  const refused = await take(machine, 'dns01 import acme.sh', [['Write these', 'n']]);
  const left = await take(machine, 'ls -A /etc/dns01');
  const imported = await take(machine, 'dns01 import acme.sh', [['Write these', 'y']]);
  const [, text = ''] = /^Written\. Next:\n((?: {2}.*\n)+)/m.exec(imported.screen) ?? [];
  const lines = text.trim().split(/\n */);
  const [next, issue] = [lines.slice(0, -1), lines.at(-1) ?? ''];
  const isThere = existsSync(join(machine.root, HOME, 'acme.sh'));
  // acme.sh looks at public resolvers otherwise. Debian has no package of it, so certbot may have to get the certificate.
  const client = isThere
    ? `${issue} --dnssleep 1`
    : linesFor('certbot', [{ names: [ZONE, `*.${ZONE}`] }], { config: undefined }).join('\n');
  const steps = [install, refused, left, imported];
  for (const line of [...next, client]) steps.push(await take(machine, line));
  return [steps, isThere ? `/${HOME}/${ZONE}_ecc/fullchain.cer` : CERTBOT];
}

const HOME = 'root/.acme.sh';

async function machineWith(name: string): Promise<Machine> {
  const machine = await world.openMachine(name);
  execFileSync('cp', [deb, join(machine.root, 'root')]);
  const consent = 'agree-tos = true\nregister-unsafely-without-email = true\n';
  await machine.add('/etc/letsencrypt/cli.ini', `server = ${world.lab.acme.directory}\n${consent}`);
  return machine;
}

async function machineWithAcmeSh(): Promise<Machine> {
  const machine = await machineWith('acme-sh');
  await machine.add(
    `${HOME}/account.conf`,
    `SAVED_CF_Token='${CLOUDFLARE_TOKEN}'\nDEFAULT_ACME_SERVER='${world.lab.acme.directory}'\n`,
  );
  const certificate = `Le_Domain='${ZONE}'\nLe_Alt='*.${ZONE}'\nLe_Webroot='dns_cf'\nLe_Keylength='ec-256'\n`;
  await machine.add(`${HOME}/${ZONE}_ecc/${ZONE}.conf`, certificate);
  const source = process.env['ACMESH_SOURCE'] ?? '';
  if (source) execFileSync('cp', ['-r', join(source, 'acme.sh'), join(source, 'dnsapi'), join(machine.root, HOME)]);
  return machine;
}

try {
  const machine = await machineWith('new');
  const init = await timed(machine, () => fromPackage(machine));
  await machine.close();
  const other = await machineWithAcmeSh();
  const imported = await timed(other, () => fromAcmeSh(other));
  await other.close();
  process.stdout.write(JSON.stringify({ init, imported }));
} finally {
  await world.close();
}
