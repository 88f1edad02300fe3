import type * as dnsPacket from 'dns-packet';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openCheckContext } from '../../src/check/context.ts';
import { checkDnssec } from '../../src/check/dnssec.ts';
import { type Finding, reporterFor } from '../../src/check/finding.ts';
import { wantedName } from '../../src/check/wanted.ts';
import { openAuthorityFinder } from '../../src/dns/authority.ts';
import { normaliseName } from '../../src/names.ts';
import { type Answering, type OperatorAnswer, startOperator } from '../fakes/operator.ts';
import { type SignedZone, signed as signedAt, signedZone } from '../fakes/signed-zone.ts';

const CHALLENGE = '_acme-challenge.example.com';
const signed = (more: Parameters<typeof signedAt>[1] = {}) => signedAt('example.com', more);
const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';

interface Scene {
  /** What the zone's own server shows. */
  readonly zone?: SignedZone;
  /** What each operator answers, beside the root's SOA record. */
  readonly operators: readonly (Answering | OperatorAnswer)[];
  readonly name?: string;
  /** No authoritative server can be asked from here. */
  readonly blocked?: boolean;
}

/** The findings, and what each operator was asked. */
async function check({ zone = {}, operators, name = 'example.com', blocked = false }: Scene) {
  const start = async (answer: Answering) => {
    const started = await startOperator({ answer });
    onTestFinished(started.close);
    return started;
  };
  const server = await start(signedZone('example.com', zone));
  const asked = await Promise.all(
    operators.map((answer) =>
      start((question) => {
        if (question.name === '') return { secure: true };
        if (question.type === 'DS') return zone.links ? { secure: true, answers: zone.links } : {};
        return typeof answer === 'function' ? answer(question) : answer;
      }),
    ),
  );
  const nameservers = [{ zone: normaliseName('example.com'), servers: [server.at] }];
  const doh = asked.map(({ url }) => url);
  const dns = { resolvers: ['127.0.0.1:1'], roots: ['127.0.0.1:1'], nameservers: blocked ? [] : nameservers, doh };
  const signal = AbortSignal.timeout(10_000);
  const context = openCheckContext(dns, signal, undefined, {}, openAuthorityFinder(dns, signal));
  const wanted = wantedName(name);
  const findings: Finding[] = [];
  for await (const finding of checkDnssec(wanted, context, reporterFor(wanted.subject))) findings.push(finding);
  const questions = asked.map((each) => each.questions.map(({ name: at, type }) => `${at} ${type}`));
  return { findings, questions, names: asked.map(({ url }) => new URL(url).host) };
}

const SECURE: OperatorAnswer = { secure: true };
const BOGUS: OperatorAnswer = { rcode: 'SERVFAIL', errors: [{ code: 7, text: 'too old' }] };

describe('the DNSSEC of a name', () => {
  it('is good where every operator validates every answer', async () => {
    const { findings, names } = await check({ operators: [SECURE, SECURE] });
    expect(findings).toMatchObject([
      {
        level: 'good',
        check: 'dnssec',
        text: `every answer that a CA needs is signed and valid (asked: ${names.join(', ')})`,
      },
    ]);
  });

  it('is good where a zone is not signed, and says which', async () => {
    const { findings } = await check({ operators: [({ name }) => ({ secure: name === 'com' })] });
    expect(findings).toMatchObject([
      { level: 'good', text: expect.stringContaining('not signed, which a CA accepts: example.com (') },
    ]);
  });

  it('is bad where all operators refuse the answer, with the reason and the record in words', async () => {
    const { findings } = await check({ operators: [BOGUS, BOGUS] });
    expect(findings).toMatchObject([
      {
        level: 'bad',
        text: 'resolvers refuse the answer for example.com SOA, example.com CAA, com CAA as bogus: a signature has expired ("too old")',
        hint: expect.stringContaining('RRSIG'),
      },
    ]);
  });

  it("is bad with the reason of the zone's own server, which says more", async () => {
    const { findings } = await check({ zone: signed({ expiresInS: -60 }), operators: [BOGUS] });
    expect(findings[0]?.text).toMatch(
      /as bogus: the signature of the SOA record in example\.com has expired \(\d{4}-\S+ \S+ UTC\)$/,
    );
    expect(findings[0]?.hint).toBe('sign example.com again: check that its signer runs');
  });

  it('is bad where no operator gets an answer itself', async () => {
    const { findings } = await check({ operators: [{ rcode: 'SERVFAIL', errors: [{ code: 22 }] }] });
    expect(findings).toMatchObject([
      {
        level: 'bad',
        text: expect.stringMatching(/^resolvers get no answer for .*: no name server of the zone can be reached$/),
      },
    ]);
  });

  it('is bad where some operators refuse the answer and the others get none', async () => {
    const { findings } = await check({ operators: [BOGUS, { rcode: 'SERVFAIL' }] });
    expect(findings).toMatchObject([
      { level: 'bad', text: expect.stringMatching(/^resolvers refuse the answer for .* as bogus, or get none: /) },
    ]);
  });

  it('is asked for CAA records alone where no name server can be asked from here', async () => {
    const sound = await check({ operators: [SECURE], blocked: true });
    expect(sound.findings).toMatchObject([
      { level: 'info', text: expect.stringMatching(/^only CAA records are asked for: the way to .* ends at the root/) },
      { level: 'good', text: expect.stringMatching(/^every CAA answer is signed and valid \(asked: /) },
    ]);
    expect(sound.questions).toEqual([[' SOA', 'example.com CAA', 'com CAA']]);
    const broken = await check({ operators: [BOGUS], blocked: true });
    expect(broken.findings).toMatchObject([{ level: 'info' }, { level: 'bad' }]);
  });

  it('is uncertain where operators see different states or different records', async () => {
    const caa =
      (value: string): Answering =>
      ({ type, name }) =>
        type === 'CAA' && name === 'example.com'
          ? { secure: true, answers: [{ type: 'CAA', name, ttl: 60, data: { flags: 0, tag: 'issue', value } }] }
          : SECURE;
    const states = await check({ operators: [SECURE, BOGUS] });
    expect(states.findings).toMatchObject([{ level: 'warning' }]);
    expect(states.findings[0]?.text).toMatch(
      /^resolvers differ for .*\(127\S+: secure, NOERROR, 0 records; 127\S+: bogus\): a signature/,
    );
    const records = await check({ operators: [caa('a.test'), caa('b.test')] });
    expect(records.findings).toMatchObject([
      { level: 'warning', text: expect.stringMatching(/^resolvers differ for example\.com CAA \(/) },
    ]);
  });

  it('warns where the answers are accepted and a server has an old signature', async () => {
    const { findings } = await check({ zone: signed({ expiresInS: -60 }), operators: [SECURE] });
    expect(findings.map(({ level }) => level)).toEqual(['good', 'warning']);
  });

  it('is not checked where nothing validates', async () => {
    const { findings } = await check({ operators: [] });
    expect(findings).toMatchObject([
      {
        level: 'info',
        text: expect.stringMatching(/^no resolver that validates answers: 127\.0\.0\.1:1: /),
        hint: expect.stringContaining('dns.doh'),
      },
    ]);
  });
});

describe('what the operators are asked', () => {
  it('is never the challenge name while it does not exist', async () => {
    const { questions } = await check({ operators: [SECURE], name: '*.example.com' });
    expect(questions[0]).toEqual(expect.arrayContaining(['example.com SOA', 'example.com CAA', 'com CAA']));
    expect(questions[0]?.filter((question) => question.includes('_acme'))).toEqual([]);
  });

  it('is the challenge name where it exists', async () => {
    const { questions } = await check({ zone: signed({ values: [VALUE] }), operators: [SECURE] });
    expect(questions[0]).toContain(`${CHALLENGE} TXT`);
  });

  it('is the DNAME that makes a CNAME, because that one has no signature', async () => {
    const alias: dnsPacket.Answer = { type: 'CNAME', name: CHALLENGE, ttl: 60, data: 'x.acme.example.com' };
    const source = { type: 'DNAME', name: 'example.com', ttl: 60, data: 'acme.example.com' } as const;
    const { questions } = await check({ zone: { more: [alias], beside: [source] }, operators: [SECURE] });
    expect(questions[0]).toContain('example.com DNAME');
    expect(questions[0]).not.toContain(`${CHALLENGE} CNAME`);
  });

  it('is each CNAME on the way, and nothing above CAA records', async () => {
    const alias: dnsPacket.Answer = { type: 'CNAME', name: CHALLENGE, ttl: 60, data: 'x.acme.example.com' };
    const caa: dnsPacket.Answer = {
      type: 'CAA',
      name: 'example.com',
      ttl: 60,
      data: { flags: 0, tag: 'issue', value: ';' },
    };
    const { questions, findings } = await check({
      zone: { more: [alias] },
      operators: [
        ({ name, type }) => {
          if (name === 'com') return BOGUS;
          return { secure: true, answers: type === 'CAA' && name === 'example.com' ? [caa] : [] };
        },
      ],
    });
    expect(questions[0]).toEqual(expect.arrayContaining([`${CHALLENGE} CNAME`, 'example.com SOA']));
    expect(findings).toMatchObject([{ level: 'good' }]);
  });
});
