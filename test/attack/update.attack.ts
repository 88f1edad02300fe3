import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseServerAddress } from '../../src/dns/server-address.ts';
import { encodeMessage, encodeName, FLAG, TYPE, uint16s } from '../../src/dns/wire.ts';
import { withLength } from '../../src/dns/wire-framing.ts';
import { sign } from '../../src/dns/wire-tsig.ts';
import { serveConfig, useGateway } from '../gateway/support.ts';
import { add, keyOf, messages, question, remove, send, updateOf } from '../gateway/update-client.ts';
import { keyUser, OWN, UPDATE, WEB1 } from '../gateway/update-support.ts';
import { VALUE } from '../support/cli.ts';
import { until } from '../support/until.ts';

const gateway = useGateway();

beforeEach(async () => {
  const users = keyUser(WEB1, ['www.example.com']);
  await gateway.here.configure(`${gateway.panels.config}${serveConfig(users, '127.0.0.1:0', UPDATE)}`);
  await gateway.start();
});

const at = () => gateway.server?.updatesAt[0] ?? '';
const nowSeconds = () => Math.floor(Date.now() / 1000);

/** A user gets an answer in time, over UDP and TCP. */
async function expectServed(): Promise<void> {
  for (const transport of ['udp', 'tcp'] as const) {
    const started = performance.now();
    const message = updateOf([transport === 'udp' ? add(OWN, VALUE) : remove(OWN, VALUE)]);
    expect(await send(message, { at: at(), key: WEB1, transport })).toMatchObject({ rcode: 'NOERROR' });
    expect(performance.now() - started).toBeLessThan(3000);
  }
}

function open(localAddress: string): Socket {
  const { address: host, port } = parseServerAddress(at());
  return connect({ host, port, localAddress }).on('error', () => {});
}

/** The most memory that the server had so far, in megabytes. */
function peakMegabytes(): number {
  const status = readFileSync(`/proc/${gateway.server?.child.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

describe('over TCP', () => {
  it('connections that promise a message and do not send it are closed, and keep nobody away', async () => {
    const started = performance.now();
    const signed = withLength(sign(encodeMessage(updateOf([add(OWN, VALUE)])), WEB1, nowSeconds()).bytes);
    const silent = Array.from({ length: 200 }, () => open('127.0.0.2'));
    const halves = Array.from({ length: 20 }, () => open('127.0.0.3'));
    for (const socket of halves) socket.write(signed.subarray(0, -1));
    const liars = Array.from({ length: 20 }, () => open('127.0.0.4'));
    for (const socket of liars) socket.write(Buffer.concat([uint16s(0xffff), signed]));
    const slow = Array.from({ length: 20 }, () => open('127.0.0.5'));
    const drip = setInterval(() => {
      for (const socket of slow) socket.write(Buffer.of(0));
    }, 500);
    await expectServed();
    const all = [...silent, ...halves, ...liars, ...slow];
    await until(() => all.every(({ destroyed }) => destroyed));
    clearInterval(drip);
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(gateway.panels.ispconfig.held(OWN)).toEqual([]);
    await expectServed();
  });

  it.each<[string, () => Buffer]>([
    ['nothing', () => Buffer.alloc(0)],
    ['random bytes', () => randomBytes(500)],
    ['a header without its questions', () => uint16s(1, 0, 0xffff, 0xffff, 0xffff, 0xffff)],
    ['a name that points to itself', () => Buffer.concat([uint16s(1, 0, 1, 0, 0, 0), uint16s(0xc00c, TYPE.SOA, 1)])],
    ['a name of 300 bytes', () => Buffer.concat([uint16s(1, 0, 1, 0, 0, 0), Buffer.alloc(300, 1), uint16s(6, 1)])],
    [
      'an answer',
      () => encodeMessage({ id: 1, flags: FLAG.RESPONSE, questions: [{ name: 'example.com', type: TYPE.SOA }] }),
    ],
  ])('%s ends the connection without an answer', async (_, bytes) => {
    const socket = open('127.0.0.2');
    socket.write(withLength(bytes()));
    expect(await messages(socket, 1)).toEqual([]);
    await expectServed();
  });

  it('a client that sends without end and takes no answer costs little memory and keeps nobody away', async () => {
    const bytes = withLength(encodeMessage(question('www.example.com', TYPE.SOA)));
    const flood = Buffer.concat(Array(2000).fill(bytes));
    const sockets = Array.from({ length: 20 }, () => open('127.0.0.2').pause());
    for (const socket of sockets) for (let nth = 0; nth < 20; nth++) socket.write(flood);
    await expectServed();
    expect(peakMegabytes()).toBeLessThan(250);
    for (const socket of sockets) socket.destroy();
  });

  it('a message of 64 KB with as many names as fit takes little time', async () => {
    const name = encodeName(`${'a.'.repeat(120)}com`);
    const record = { ...add('', ''), name, data: Buffer.of(0) };
    const many = Array(250).fill(record);
    const started = performance.now();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(updateOf(many), { at: at(), key: WEB1 })));
    expect(new Set(answers.map(({ rcode }) => rcode))).toEqual(new Set(['REFUSED']));
    expect(performance.now() - started).toBeLessThan(3000);
    await expectServed();
  });
});

describe('over UDP', () => {
  it('20,000 messages without a right key keep no user away, and few lines of the log are about them', async () => {
    const { address, port } = parseServerAddress(at());
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.9', resolve));
    let answers = 0;
    socket.on('message', () => answers++).on('error', () => {});
    const wrong = () => sign(encodeMessage(updateOf([add(OWN, VALUE)])), keyOf('web1', 'guess'), nowSeconds()).bytes;
    const kinds = [wrong, () => randomBytes(200), () => encodeMessage(updateOf([add(OWN, VALUE)]))];
    for (let nth = 0; nth < 20_000; nth++) {
      socket.send(kinds[nth % kinds.length]?.() ?? '', port, address);
      if (nth % 500 === 0) await delay(1);
      if (nth % 5000 === 0) await expectServed();
    }
    await expectServed();
    socket.close();
    expect(answers).toBeLessThanOrEqual(3000);
    expect(gateway.server?.stderr.join('').match(/NOTAUTH/g)?.length ?? 0).toBeLessThanOrEqual(10);
    expect(peakMegabytes()).toBeLessThan(250);
    expect(gateway.panels.ispconfig.held(OWN)).toEqual([]);
  });
});
