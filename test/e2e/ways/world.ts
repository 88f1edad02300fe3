import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, isIPv4 } from 'node:net';
import { dirname, join } from 'node:path';
import { createServer } from 'node:tls';
import { ROOT_HINTS } from '../../../src/dns/root-hints.ts';
import { startCloudflareFake } from '../../fakes/cloudflare.ts';
import { openFront } from '../lab/front.ts';
import { type Lab, startLab } from '../lab/lab.ts';
import { runOrThrow } from '../lab/processes.ts';
import { pathOf } from '../lab/programs.ts';
import { standInAccount } from '../support/lab-accounts.ts';
import { copyMachine, type Machine } from './machine.ts';
import { startResolver } from './resolver.ts';

export const ZONE = 'example.com';

/** dns01 asks no private address that the DNS names. These exist only in this network namespace. */
const HOSTS: [string, string, string] = ['45.53.0.1', '45.53.0.2', '45.53.0.3'];
const RESOLVER = '45.53.0.4';
const ROOTS = ROOT_HINTS.filter(isIPv4);
const API = 'api.cloudflare.com';

export interface World {
  readonly lab: Lab;
  /** A machine that finds this world where it would find the real one. */
  openMachine(name: string): Promise<Machine>;
  close(): Promise<void>;
}

/**
 * The DNS, Cloudflare and a CA at the names and ports that the real ones have, so that nothing needs an option to find them.
 * For a process in network and mount namespaces of its own.
 */
export async function openWorld(): Promise<World> {
  await runOrThrow('ip', ['link', 'set', 'lo', 'up']);
  for (const host of [...HOSTS, RESOLVER, ...ROOTS])
    await runOrThrow('ip', ['address', 'add', `${host}/32`, 'dev', 'lo']);
  const names: [string, string] = ['dina.ns.cloudflare.com', 'rob.ns.cloudflare.com'];
  const lab = await startLab({ zones: [ZONE, 'ns.cloudflare.com'], lagSeconds: 0, place: { hosts: HOSTS, names } });
  const fronts = await Promise.all(ROOTS.map((host) => openFront({ host, port: 53 }, lab.primary, () => {})));
  const closeResolver = await startResolver(lab, RESOLVER, ROOTS[0] ?? '');
  const account = await standInAccount(lab, ZONE, 'cloudflare', startCloudflareFake);
  const api = await openApi(lab.dir, Number(new URL(account.server.origin).port));
  const authorities = (await Promise.all([lab.acme.caFile, api.certificateFile].map((file) => readFile(file)))).join(
    '',
  );
  return {
    lab,
    async openMachine(name) {
      const env = { HOME: '/root', PATH: `/root/.acme.sh:${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin` };
      const machine = await copyMachine(join(lab.dir, name), { ...env, NODE_EXTRA_CA_CERTS: AUTHORITIES });
      await machine.add(AUTHORITIES, authorities);
      await machine.add('/etc/hosts', `127.0.0.1 ${API}\n`);
      await machine.replace('/etc/resolv.conf', `nameserver ${RESOLVER}\n`);
      return machine;
    },
    async close() {
      api.close();
      await closeResolver();
      await Promise.all(fronts.map((close) => close()));
      await account.close();
      await lab.close();
    },
  };
}

const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

/** The stand-in speaks HTTP; this is its TLS. */
async function openApi(dir: string, port: number) {
  const [certificateFile, keyFile] = [join(dir, 'api.pem'), join(dir, 'api.key')];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  const subject = ['-subj', `/CN=${API}`, '-addext', `subjectAltName=DNS:${API}`];
  await runOrThrow(pathOf('openssl'), ['req', '-x509', '-days', '90', ...key, ...subject, '-out', certificateFile]);
  const [cert, secret] = await Promise.all([readFile(certificateFile), readFile(keyFile)]);
  const server = createServer({ cert, key: secret }, (client) => {
    const upstream = connect(port, '127.0.0.1');
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  await once(server.listen(443, '127.0.0.1'), 'listening');
  return { certificateFile, close: () => server.close() };
}
