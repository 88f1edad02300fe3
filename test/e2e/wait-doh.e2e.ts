import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openWorkplace, type Workplace } from '../support/cli.ts';
import { freePorts } from './lab/addresses.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type RootLab, startRootLab } from './labs/root/lab.ts';
import { mayListenOnPort53 } from './labs/root/places.ts';
import type { LabZone } from './labs/root/zones.ts';

const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

/** The value is there, at BIND alone. */
const zoneOf = (zone: string, signed: LabZone['signed']): LabZone => ({
  zone,
  what: 'a value is published',
  ...(signed ? { signed } : {}),
  servers: ['bind'],
  records: [`_acme-challenge TXT "${VALUE}"`],
  expected: [],
});
const ZONES = [zoneOf('published.com', {}), zoneOf('expired.com', { from: -30 * 86_400, until: -86_400 })];

/**
 * The wait through Unbound, over HTTPS, where this machine does not get to BIND: DNS queries go to another port of its
 * address, where a proxy is that sends them to Unbound, or nothing answers.
 */
const suite = () => {
  let lab: RootLab;
  let here: Workplace;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    [lab, here] = await Promise.all([startRootLab(ZONES), openWorkplace()]);
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
  });
  afterAll(async () => {
    await lab?.close();
    await here?.remove();
  });

  async function listen(address: string, port: number): Promise<Socket> {
    const socket = createSocket('udp4');
    socket.bind(port, address);
    await once(socket, 'listening');
    sockets.push(socket);
    return socket;
  }

  /** Sends every query to Unbound, as one for a resolver, and its answer back. */
  async function rewrite(address: string, port: number): Promise<void> {
    const front = await listen(address, port);
    front.on('message', async (query, from) => {
      const back = await listen('127.0.0.1', 0);
      back.on('message', (answer) => front.send(answer, from.port, from.address));
      const recursive = Buffer.from(query);
      recursive.writeUInt16BE(recursive.readUInt16BE(2) | 0x0100, 2);
      back.send(recursive, 53, lab.unbound.address);
    });
  }

  async function wait(kind: 'rewritten' | 'dropped', zone: string, value: string, timeout: number) {
    const [port] = await freePorts(2);
    const { bind } = lab.places.servers;
    await (kind === 'rewritten' ? rewrite(bind, port) : listen(bind, port));
    const accounts = { other: { provider: 'embedded', zones: ['other.example'] } };
    // The port of the roots is that of all name servers.
    const dns = { ...lab.dns, roots: [`${lab.places.root}:${port}`], followCnames: false };
    await here.configure(JSON.stringify({ accounts, dns, propagation: { timeout, interval: 0.2 } }));
    const env = { NODE_EXTRA_CA_CERTS: lab.unbound.caFile };
    return here.run(['wait-txt', `_acme-challenge.${zone}`, value], { env });
  }

  it.each([
    ['rewritten', /no answer comes from a server of the zone, .*: asking 127\S+:8443 instead, in \d+ s/],
    ['dropped', /no name server can be asked from here: asking 127\S+:8443 instead, in \d+ s/],
  ] as const)('sees the value where DNS queries are %s', async (kind, note) => {
    const { code, stdout, stderr } = await wait(kind, 'published.com', VALUE, 10);
    expect(stderr).toMatch(note);
    expect(stdout).toMatch(/shown by every resolver of dns\.doh after \d/);
    expect(code).toBe(0);
  });

  it('does not see a value that is not there', async () => {
    const { code, stderr } = await wait('rewritten', 'published.com', OTHER, 4);
    expect(stderr).toMatch(/not shown by every resolver of dns\.doh .*127\S+:8443 does not show it/);
    expect(code).toBe(75);
  });

  it('says why a resolver refuses a zone whose signatures have expired', async () => {
    const { code, stderr } = await wait('rewritten', 'expired.com', VALUE, 4);
    expect(stderr).toMatch(/127\S+:8443 answers SERVFAIL: .*(expired|signatures)/);
    expect(code).toBe(75);
  });
};

if (await mayListenOnPort53()) describeLab('the wait through a resolver over HTTPS', suite);
else
  describe.skip('the wait through a resolver over HTTPS (cannot run, missing: the right to listen on port 53)', suite);
