import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOrThrow, startServer } from '../../lab/processes.ts';
import { pathOf } from '../../lab/programs.ts';
import { servesAll } from '../../lab/records.ts';

const DOH_PORT = 8443;

export interface UnboundSettings {
  readonly dir: string;
  readonly address: string;
  /** The address of the root's server. */
  readonly root: string;
  /** The root's DNSKEY record. */
  readonly trustAnchor: string;
  readonly ipv6: boolean;
}

export interface Unbound {
  /** Plain DNS on port 53. */
  readonly address: string;
  /** Its URL for DNS over HTTPS; it speaks HTTP/2 only. */
  readonly doh: string;
  /** What a client has to trust to ask there, PEM. */
  readonly caFile: string;
  close(): Promise<void>;
}

/** A validating resolver, set as those of CAs are: unboundtest.com shows how Let's Encrypt's is. */
export async function startUnbound({ dir, address, root, trustAnchor, ipv6 }: UnboundSettings): Promise<Unbound> {
  const home = join(dir, 'unbound');
  await mkdir(home);
  const [configFile, hints, anchor, caFile, keyFile] = ['unbound.conf', 'hints', 'anchor', 'cert.pem', 'key.pem'].map(
    (file) => join(home, file),
  ) as [string, string, string, string, string];
  await Promise.all([
    writeFile(hints, `. 3600000 NS a.root-servers.net.\na.root-servers.net. 3600000 A ${root}\n`),
    writeFile(anchor, `${trustAnchor}\n`),
    makeCertificate(address, caFile, keyFile),
  ]);
  await writeFile(
    configFile,
    [
      'server:',
      `  directory: "${home}"`,
      '  username: ""',
      '  chroot: ""',
      '  pidfile: ""',
      '  use-syslog: no',
      '  verbosity: 1',
      '  val-log-level: 2',
      '  num-threads: 1',
      `  interface: ${address}@53`,
      `  interface: ${address}@${DOH_PORT}`,
      `  https-port: ${DOH_PORT}`,
      '  http-endpoint: "/dns-query"',
      `  tls-service-pem: "${caFile}"`,
      `  tls-service-key: "${keyFile}"`,
      '  access-control: 127.0.0.0/8 allow',
      `  do-ip6: ${ipv6 ? 'yes' : 'no'}`,
      `  root-hints: "${hints}"`,
      `  trust-anchor-file: "${anchor}"`,
      '  module-config: "validator iterator"',
      '  use-caps-for-id: yes',
      '  harden-dnssec-stripped: yes',
      '  harden-algo-downgrade: yes',
      '  harden-below-nxdomain: no',
      '  harden-glue: yes',
      '  qname-minimisation: no',
      '  edns-buffer-size: 1232',
      '  max-udp-size: 1232',
      '  ede: yes',
      '  val-clean-additional: yes',
      '  val-sig-skew-min: 0',
      '  val-sig-skew-max: 0',
      // Negative answers are made of NSEC records otherwise, and not asked for.
      '  aggressive-nsec: no',
      '  prefetch: no',
      '  cache-max-ttl: 60',
      '  cache-max-negative-ttl: 60',
      '  target-fetch-policy: "0 0 0 0 0"',
      // The laboratory is on loopback; private networks stay what they are to a CA.
      '  do-not-query-localhost: no',
      ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((network) => `  do-not-query-address: ${network}`),
      'remote-control:',
      '  control-enable: no',
      '',
    ].join('\n'),
  );
  const close = await startServer({
    name: 'unbound',
    command: pathOf('unbound'),
    args: ['-d', '-p', '-c', configFile],
    dir,
    isReady: () => servesAll({ host: address, port: 53 }, [''], { recursive: true }),
  });
  return { address, doh: `https://${address}:${DOH_PORT}/dns-query`, caFile, close };
}

async function makeCertificate(address: string, certFile: string, keyFile: string): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  const names = ['-subj', '/CN=operator', '-addext', `subjectAltName=IP:${address}`];
  await runOrThrow(pathOf('openssl'), ['req', '-x509', '-days', '2', ...key, ...names, '-out', certFile]);
}
