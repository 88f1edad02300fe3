import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/check/finding.ts';
import { startZoneidFake } from '../fakes/zoneid.ts';
import { openWorkplace, type Workplace } from '../support/cli.ts';
import { describeLab } from './lab/describe-lab.ts';
import { type RootLab, startRootLab } from './labs/root/lab.ts';
import { hasIpv6, mayListenOnPort53 } from './labs/root/places.ts';
import { resolvedBy } from './labs/root/resolved.ts';
import { LAB_ZONES } from './labs/root/zones.ts';

const MAX_SOUND_MS = 2000;
const EXIT = { good: 0, warning: 0, bad: 65 } as const;
const UNKNOWN = 75;
const LEVELS = ['bad', 'warning', 'good'] as const;

const ipv6 = await hasIpv6();

const cases = LAB_ZONES.flatMap(({ zone, what, servers, expected }) =>
  expected.map((each) => ({ ask: zone, args: [], ...each, what, needsIpv6: servers?.includes('ipv6') ?? false })),
);
const titleOf = ({ ask, args, what }: (typeof cases)[number]) => `${ask}: ${[what, ...args].join(' ')}`;

/** An account that none of the names belongs to. */
const configOf = (dns: RootLab['dns']): string =>
  JSON.stringify({
    accounts: { other: { provider: 'zoneid', url: 'https://127.0.0.1:1', username: 'nobody', apiKey: 'none' } },
    zones: { 'other.example': 'other' },
    dns,
  });

const worstOf = (findings: readonly Finding[]) => LEVELS.find((level) => findings.some((each) => each.level === level));

const suite = () => {
  let lab: RootLab;
  let here: Workplace;
  let env: Record<string, string>;

  beforeAll(async () => {
    [lab, here] = await Promise.all([startRootLab(), openWorkplace()]);
    await here.configure(configOf(lab.dns));
    env = { NODE_EXTRA_CA_CERTS: lab.unbound.caFile };
  });
  afterAll(async () => {
    await lab?.close();
    await here?.remove();
  });
  const run = (...args: readonly string[]) => here.run(args, { env });
  async function check(...args: readonly string[]): Promise<{ code: number; findings: Finding[] }> {
    const { code, stdout, stderr } = await run('check', '--json', ...args);
    expect(stderr).toBe('');
    return { code, ...JSON.parse(stdout) };
  }

  describe.concurrent('check and Unbound agree', () => {
    for (const each of cases) {
      const { ask, args, resolves, refuses, level, check: name, says = /(?:)/ } = each;
      const cannot = each.needsIpv6 && !ipv6 ? ' (cannot run, missing: ::1, port 53)' : '';
      it.skipIf(cannot !== '')(`${titleOf(each)}${cannot}`, async ({ expect }) => {
        const [resolved, { code, findings: all }] = await Promise.all([
          resolvedBy(lab.unbound.address, ask),
          check(ask, ...args),
        ]);
        // A busy machine makes every server slow.
        const findings = all.filter((one) => ask === 'slow.com' || !one.text.endsWith('is slow'));
        const said = JSON.stringify(findings, null, 1);
        expect(resolved).toBe(resolves);
        const isBroken = resolved === 'bogus' || resolved === 'fails' || refuses !== undefined;
        expect(worstOf(findings) === 'bad', said).toBe(isBroken);
        expect(worstOf(findings), said).toBe(level);
        expect(code, said).toBe(EXIT[level]);
        const found = findings.filter((one) => one.level === level && (name === undefined || one.check === name));
        expect(found.map(({ text, hint }) => `${text} ${hint}`).join('\n'), said).toMatch(says);
        expect(found, said).not.toEqual([]);
      });
    }
  });

  it('says of each name what it is about, in lines that a person reads', async () => {
    const { code, stdout } = await run('check', 'sound.com', 'expired.com', '*.caa-nobody.com');
    expect(code).toBe(EXIT.bad);
    for (const name of ['sound.com', 'expired.com', '*.caa-nobody.com']) expect(stdout).toContain(`name ${name}`);
    expect(stdout).toMatch(/expired/);
  });

  it('cannot tell where nobody answers', async () => {
    const lost = await openWorkplace();
    const closed = lab.places.servers.closed;
    await lost.configure(configOf({ ...lab.dns, roots: [closed], resolvers: [`${closed}:53`], doh: [] }));
    const { code, stdout } = await lost.run(['check', 'sound.com', '--json']);
    await lost.remove();
    expect(worstOf(JSON.parse(stdout).findings)).not.toBe('bad');
    expect(code).toBe(UNKNOWN);
  });

  it('asks its operator over HTTPS where the resolver of the machine is of no use', async () => {
    const lost = await openWorkplace();
    await lost.configure(configOf({ ...lab.dns, resolvers: [`${lab.places.servers.lame}:53`] }));
    const sound = await lost.run(['check', 'sound.com', '--json'], { env });
    const expired = await lost.run(['check', 'expired.com', '--json'], { env });
    await lost.remove();
    expect([sound.code, expired.code], sound.stdout).toEqual([EXIT.good, EXIT.bad]);
    expect(JSON.parse(expired.stdout).findings).toContainEqual(
      expect.objectContaining({ check: 'dnssec', level: 'bad' }),
    );
  });

  it('doctor finds the same, and more about the account', async () => {
    const names = ['sound.com', 'stale.com', 'expired.com', 'caa-nobody.com'];
    const zoneid = await startZoneidFake({ apiKey: 'key-of-a-test', zones: names });
    const { url, username } = zoneid;
    const owner = await openWorkplace();
    try {
      await owner.configure(
        JSON.stringify({
          accounts: { it: { provider: 'zoneid', url, username, apiKey: 'key-of-a-test' } },
          zones: Object.fromEntries(names.map((name) => [name, 'it'])),
          dns: lab.dns,
        }),
      );
      const findings = async (verb: string): Promise<Finding[]> =>
        JSON.parse((await owner.run([verb, '--json', ...names], { env })).stdout).findings;
      const checked = await findings('check');
      const examined = await findings('doctor');
      expect(checked.map(({ level }) => level)).toContain('bad');
      // Servers come in another order each time, and doctor logs in to see who writes where.
      const shown = checked.filter(({ check }) => check !== 'target').map(({ text, hint, ...rest }) => rest);
      expect(examined.map(({ text, hint, ...rest }) => rest)).toEqual(expect.arrayContaining(shown));
      expect(examined).toContainEqual(expect.objectContaining({ subject: 'account it', check: 'login' }));
    } finally {
      await Promise.all([zoneid.close(), owner.remove()]);
    }
  });

  it('takes at most two seconds for a sound name', async () => {
    const times: number[] = [];
    for (let time = 0; time < 3; time++) {
      const began = performance.now();
      expect((await check('sound.com')).code).toBe(EXIT.good);
      times.push(performance.now() - began);
    }
    expect(Math.min(...times)).toBeLessThan(MAX_SOUND_MS);
  });
};

if (await mayListenOnPort53()) describeLab('the private root', suite);
else describe.skip('the private root (cannot run, missing: the right to listen on port 53)', suite);
