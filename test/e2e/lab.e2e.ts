import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Endpoint } from './lab/addresses.ts';
import { certificateNames } from './lab/certificate.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type Lab, startLab } from './lab/lab.ts';
import { run } from './lab/processes.ts';
import { pathOf } from './lab/programs.ts';
import { holdsWithin } from './lab/until.ts';

const LAG = 3;
const ZONE = 'example.test';

describeLab('the laboratory', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab({ zones: [ZONE, 'sub.example.test'], lagSeconds: LAG });
  });
  afterAll(() => lab?.close());

  it('shows a change on the primary at once and on the secondary after the lag', async () => {
    const name = `_acme-challenge.slow.${ZONE}`;
    const shownBySecondary = (values: string[]) => async () => same(await lab.txt('secondary', name), values);

    const published = performance.now();
    await lab.publish(ZONE, name, 'one');
    expect(await lab.txt('primary', name)).toEqual(['one']);
    expect(await holdsWithin(LAG + 2, shownBySecondary(['one']))).toBe(true);
    expect(secondsSince(published)).toBeGreaterThanOrEqual(LAG);

    await lab.publish(ZONE, name, 'two');
    expect(await lab.txt('primary', name)).toEqual(['one', 'two']);
    const withdrawn = performance.now();
    await lab.withdraw(ZONE, name, 'one');
    expect(await lab.txt('primary', name)).toEqual(['two']);
    expect(await holdsWithin(LAG + 2, shownBySecondary(['two']))).toBe(true);
    expect(secondsSince(withdrawn)).toBeGreaterThanOrEqual(LAG);
  });

  it('never shows a change early, although an earlier one of the same zone is due', async () => {
    const name = `_acme-challenge.twice.${ZONE}`;
    await lab.publish(ZONE, name, 'first');
    const firstShouldHaveShown = performance.now() + (LAG - 0.5) * 1000;
    await holdsWithin(LAG, async () => performance.now() >= firstShouldHaveShown);

    const second = performance.now();
    await lab.publish(ZONE, name, 'second');
    expect(await holdsWithin(LAG + 2, async () => (await lab.txt('secondary', name)).includes('second'))).toBe(true);
    expect(secondsSince(second)).toBeGreaterThanOrEqual(LAG);
  });

  it('refuses what is not exactly one record', async () => {
    await expect(lab.publish(ZONE, `_acme-challenge.${ZONE}`, 'a" "b')).rejects.toThrow('not a value');
    await expect(lab.publish('example.net', '_acme-challenge.example.net', 'x')).rejects.toThrow('NOTAUTH');
  });

  it('leads a resolver to both servers, and knows no name outside', async () => {
    expect(await resolve(lab, ZONE, 'NS')).toEqual([`ns1.${ZONE}.`, `ns2.${ZONE}.`]);
    expect(await resolve(lab, 'sub.example.test', 'NS')).toEqual(['ns1.sub.example.test.', 'ns2.sub.example.test.']);
    expect(await resolve(lab, 'example.com', 'A')).toEqual([]);
  });

  it('answers at the addresses of the NS, over UDP and TCP', async () => {
    for (const nameServer of await resolve(lab, ZONE, 'NS')) {
      const [address = ''] = await resolve(lab, nameServer, 'A');
      // On a machine without a free port 53 the addresses lead nowhere, and the laboratory says where to go.
      const server = Object.keys(lab.nameservers).length === 0 ? { host: address, port: 53 } : lab.secondary;
      expect(await ask(server, `ns1.${ZONE}`, 'A')).toHaveLength(1);
      expect(await ask(server, `ns1.${ZONE}`, 'A', '+tcp')).toHaveLength(1);
    }
  });

  it('gives no certificate to a hook that does not wait', async () => {
    const outcome = await certonly(lab, { waitSeconds: 0, domains: ['hasty.example.test'] });
    expect(outcome.code).toBe(1);
    expect(outcome.stdout + outcome.stderr).toMatch(/Type: +unauthorized\s+Detail: .*TXT record/);
    expect(await lab.txt('primary', '_acme-challenge.hasty.example.test')).toEqual([]);
  });

  it('gives a certificate to a hook that waits longer than the lag', async () => {
    const outcome = await certonly(lab, { waitSeconds: LAG + 1, domains: ['patient.example.test'] });
    expect(outcome).toMatchObject({ code: 0 });
    expect(await certificateNames(lab.certificateFile('patient.example.test'))).toEqual(['patient.example.test']);
  });

  it('gives one for a name and its wildcard, whose values live at one name', async () => {
    const outcome = await certonly(lab, { waitSeconds: LAG + 1, domains: [ZONE, `*.${ZONE}`] });
    expect(outcome).toMatchObject({ code: 0 });
    expect(await certificateNames(lab.certificateFile(ZONE))).toEqual([`*.${ZONE}`, ZONE]);
    expect(await lab.txt('primary', `_acme-challenge.${ZONE}`)).toEqual([]);
  });
});

describeLab('the laboratory on high ports', () => {
  it('says how to reach its servers, and issues all the same', async () => {
    const lab = await startLab({ zones: [ZONE], lagSeconds: 1, port53: false });
    try {
      const servers = lab.nameservers[ZONE] ?? [];
      expect(servers).toHaveLength(2);
      for (const server of servers) expect(await ask(endpoint(server), ZONE, 'NS')).toHaveLength(2);
      expect(await resolve(lab, ZONE, 'NS')).toEqual([`ns1.${ZONE}.`, `ns2.${ZONE}.`]);
      expect(await certonly(lab, { waitSeconds: 2, domains: [ZONE] })).toMatchObject({ code: 0 });
    } finally {
      await lab.close();
    }
  });
});

interface Order {
  waitSeconds: number;
  domains: string[];
}

async function certonly(lab: Lab, { waitSeconds, domains }: Order) {
  const [add, remove] = await Promise.all([
    writeHook(lab, 'add', 'add $name 60', waitSeconds),
    writeHook(lab, 'remove', 'delete $name', 0),
  ]);
  const hooks = ['--manual-auth-hook', add, '--manual-cleanup-hook', remove];
  return lab.certbot(['certonly', ...hooks, ...domains.flatMap((domain) => ['-d', domain])]);
}

async function writeHook(lab: Lab, title: string, update: string, waitSeconds: number): Promise<string> {
  const file = join(lab.dir, `${title}.sh`);
  const lines = [
    '#!/bin/sh',
    'name=_acme-challenge.$CERTBOT_DOMAIN.',
    `${pathOf('nsupdate')} -k ${lab.keyFile} <<END || exit 1`,
    `server ${lab.primary.host} ${lab.primary.port}`,
    `update ${update} TXT "$CERTBOT_VALIDATION"`,
    'send',
    'END',
    `sleep ${waitSeconds}`,
    '',
  ];
  await writeFile(file, lines.join('\n'));
  await chmod(file, 0o755);
  return file;
}

function resolve(lab: Lab, name: string, type: string): Promise<string[]> {
  return ask(endpoint(lab.resolvers[0] ?? ''), name, type);
}

function endpoint(hostAndPort: string): Endpoint {
  const [host = '', port] = hostAndPort.split(':');
  return { host, port: Number(port) };
}

async function ask({ host, port }: Endpoint, name: string, type: string, ...more: string[]): Promise<string[]> {
  const question = [name, type, '+short', '+tries=2', '+time=2', ...more];
  const { stdout } = await run(pathOf('dig'), ['-r', `@${host}`, '-p', String(port), ...question]);
  return stdout.split('\n').filter(Boolean).sort();
}

function secondsSince(moment: number): number {
  return (performance.now() - moment) / 1000;
}

function same(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
