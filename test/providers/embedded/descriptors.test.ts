import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as dnsPacket from 'dns-packet';
import { expect, it } from 'vitest';
import { openRecords } from '../../../src/state/files/records.ts';
import { root } from '../../support/paths.ts';
import { type Answer, newDirectory, query } from './support.ts';

const [RECORDS, QUERIES, DESCRIPTORS, AT_ONCE] = [1000, 10_000, 256, 200];

const nameOf = (index: number) => `_acme-challenge.n${index}.example.com`;

/** A process of its own that serves the directory: the limit on descriptors is a process's. */
const SERVER = `
import { startNameserver } from '${join(root, 'providers/embedded/nameserver.ts')}';
import { openRecords } from '${join(root, 'src/state/files/records.ts')}';
const records = openRecords(process.argv[2]);
const zones = async () => [{ name: 'example.com', ns: ['ns.example.com'], ...(await records.served()) }];
const server = await startNameserver({ address: '127.0.0.1', port: 0, zones, failed: (error) => console.error(String(error)) });
console.log(server.port);
`;

it(`${QUERIES} queries with ${RECORDS} records are answered on ${DESCRIPTORS} descriptors, while records change`, async () => {
  const directory = await newDirectory();
  const records = openRecords(directory);
  for (let index = 0; index < RECORDS; index += 50) {
    const names = Array.from({ length: 50 }, (_, more) => nameOf(index + more));
    await Promise.all(names.map((name) => records.add({ name, value: name, ttl: 60 })));
  }
  const program = join(directory, 'server.mts');
  await writeFile(program, SERVER);
  const limited = `ulimit -n ${DESCRIPTORS} && exec "$0" "$@"`;
  const args = ['-c', limited, process.execPath, '--import', 'tsx', program, directory];
  const server = spawn('bash', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const faults: string[] = [];
  createInterface(server.stderr).on('line', (line) => faults.push(line));
  try {
    const [port] = await once(createInterface(server.stdout), 'line');
    const writing = (async () => {
      for (let index = 0; index < 20; index++)
        await records.add({ name: nameOf(RECORDS + index), value: 'new', ttl: 60 });
    })();
    const answers = await askMany(Number(port));
    await writing;
    expect(answers.rcodes).toEqual({ NOERROR: QUERIES });
    expect(answers.wrong).toBe(0);
    expect(faults).toEqual([]);
  } finally {
    server.kill();
    await rm(directory, { recursive: true });
  }
}, 60_000);

/** Every answer holds the value of its name. A window of queries is under way at a time; one that UDP loses goes out again. */
async function askMany(port: number): Promise<{ rcodes: Record<string, number>; wrong: number }> {
  const socket = createSocket('udp4');
  const rcodes: Record<string, number> = {};
  const open = new Set<number>();
  let [next, wrong] = [0, 0];
  const send = (id: number) => socket.send(query({ id, name: nameOf(id % RECORDS) }), port, '127.0.0.1');
  const sendNext = () => {
    if (next === QUERIES) return;
    open.add(next);
    send(next++);
  };
  const again = setInterval(() => open.forEach(send), 1000);
  await new Promise<void>((resolve) => {
    socket.on('message', (bytes) => {
      const answer = dnsPacket.decode(bytes) as Answer;
      if (!open.delete(answer.id ?? -1)) return;
      rcodes[answer.rcode] = (rcodes[answer.rcode] ?? 0) + 1;
      const [text] = answer.answers ?? [];
      if (text?.type !== 'TXT' || String(text.data) !== nameOf((answer.id ?? 0) % RECORDS)) wrong++;
      sendNext();
      if (open.size === 0) resolve();
    });
    for (let index = 0; index < AT_ONCE; index++) sendNext();
  });
  clearInterval(again);
  socket.close();
  return { rcodes, wrong };
}
