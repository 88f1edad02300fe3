import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { explainErrors, hintOf } from '../../src/dns/extended-errors.ts';
import type { Question } from '../../src/dns/message.ts';
import { openVantages, validatingResolver } from '../../src/dns/validating.ts';
import { normaliseName } from '../../src/names.ts';
import { type Answering, type FakeOperator, type OperatorAnswer, startOperator } from '../fakes/operator.ts';
import { failureOf } from './support.ts';

const QUESTION: Question = { name: normaliseName('example.com'), type: 'CAA' };
const ROOT = { name: '', type: 'SOA' } as const;

/** An operator that validates, with these answers to all but the question for the root. */
async function operator(answer: Answering | OperatorAnswer, root: OperatorAnswer = { secure: true }) {
  const own = typeof answer === 'function' ? answer : () => answer;
  const started = await startOperator({ answer: (question) => (question.name === '' ? root : own(question)) });
  onTestFinished(started.close);
  return started;
}

interface Given {
  /** The system's resolvers. */
  readonly system?: readonly FakeOperator[];
  readonly doh?: readonly FakeOperator[];
}

function open({ system = [], doh = [] }: Given) {
  // A port where nothing answers, because an empty list means the resolvers of this machine.
  const resolvers = system.length > 0 ? system.map(({ at }) => at) : ['127.0.0.1:1'];
  const dns = { resolvers, nameservers: [], doh: doh.map(({ url }) => url) };
  return openVantages(dns, AbortSignal.timeout(10_000), {});
}

const statesOf = async (given: Given) => (await open(given).ask(QUESTION)).map(({ state }) => state);
const asked = ({ questions }: FakeOperator) =>
  questions.filter(({ name }) => name !== '').map(({ unchecked }) => (unchecked ? 'unchecked' : 'checked'));

describe('a vantage point', () => {
  it.each<[string, Answering | OperatorAnswer, string, string[]]>([
    ['validated', { secure: true }, 'secure', ['checked']],
    ['validated, that there is nothing', { rcode: 'NXDOMAIN', secure: true }, 'secure', ['checked']],
    ['not signed', {}, 'insecure', ['checked']],
    ['refused', { rcode: 'REFUSED' }, 'failed', ['checked']],
    [
      'given only without a check',
      ({ unchecked }) => (unchecked ? {} : { rcode: 'SERVFAIL' }),
      'bogus',
      ['checked', 'unchecked', 'checked'],
    ],
    ['given to nobody', { rcode: 'SERVFAIL' }, 'indeterminate', ['checked', 'unchecked']],
    ['said to be bogus', { rcode: 'SERVFAIL', errors: [{ code: 6 }] }, 'bogus', ['checked']],
    [
      'not given because no server can be reached',
      { rcode: 'SERVFAIL', errors: [{ code: 22 }] },
      'indeterminate',
      ['checked', 'unchecked'],
    ],
  ])('knows an answer that is %s', async (_, answer, state, questions) => {
    const there = await operator(answer);
    expect(await statesOf({ doh: [there] })).toEqual([state]);
    expect(asked(there)).toEqual(questions);
    expect(there.questions.every(({ dnssec }) => dnssec)).toBe(true);
  });

  it('does not take a slow name server for a bogus answer', async () => {
    let count = 0;
    const there = await operator(({ unchecked }) => {
      if (unchecked) return {};
      count++;
      return count === 1 ? { rcode: 'SERVFAIL' } : { secure: true };
    });
    expect(await statesOf({ doh: [there] })).toEqual(['secure']);
  });

  it('has the unchecked answer and the extended errors of a bogus one', async () => {
    const errors = [{ code: 23, text: 'x' }];
    const there = await operator(({ unchecked }) =>
      unchecked ? { rcode: 'NXDOMAIN' } : { rcode: 'SERVFAIL', errors },
    );
    expect(await open({ doh: [there] }).ask(QUESTION)).toMatchObject([
      { state: 'bogus', errors, message: { rcode: 'NXDOMAIN' } },
    ]);
  });
});

describe('the vantage points', () => {
  it("are the system's resolver and every operator, in this order", async () => {
    const [system, first, second] = [
      await operator({ secure: true }),
      await operator({}),
      await operator({ rcode: 'SERVFAIL', errors: [{ code: 7 }] }),
    ];
    const answers = await open({ system: [system], doh: [first, second] }).ask(QUESTION);
    expect(answers.map(({ operator: name, state }) => [name, state])).toEqual([
      [system.at, 'secure'],
      [new URL(first.url).host, 'insecure'],
      [new URL(second.url).host, 'bogus'],
    ]);
    expect(system.questions.map(({ transport }) => transport)).toEqual(['udp', 'udp']);
  });

  it('are only resolvers that validate, and say what is wrong with the others', async () => {
    const [lax, sound, failing] = [
      await operator({ secure: true }, {}),
      await operator({ secure: true }),
      await operator({}, { rcode: 'SERVFAIL' }),
    ];
    await failing.close();
    const vantages = open({ system: [lax], doh: [lax, sound, failing] });
    expect((await vantages.ask(QUESTION)).map(({ operator: name }) => name)).toEqual([new URL(sound.url).host]);
    expect(asked(lax)).toEqual([]);
    expect(await vantages.unusable()).toEqual(
      expect.arrayContaining([
        `${lax.at}: does not validate`,
        `${new URL(lax.url).host}: does not validate`,
        expect.stringMatching(/refuses connections/),
      ]),
    );
  });

  it('say of a silent resolver that it is silent', async () => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    const accepting = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => {
      silent.close();
      accepting.close();
    });
    await Promise.all([once(silent, 'listening'), once(accepting, 'listening')]);
    const at = `127.0.0.1:${silent.address().port}`;
    const host = `127.0.0.1:${(accepting.address() as AddressInfo).port}`;
    const dns = { resolvers: [at], nameservers: [], doh: [`https://${host}/dns-query`] };
    const found = await openVantages(dns, AbortSignal.timeout(300), {}).unusable();
    expect(found).toEqual([`${at}: no answer in time`, `${host}: no answer in time`]);
  });

  it("are none where no resolver validates, and the system's second resolver where that one does", async () => {
    const [lax, sound] = [await operator({}, {}), await operator({ secure: true })];
    expect(await statesOf({ system: [lax] })).toEqual([]);
    expect(await statesOf({ system: [lax, sound] })).toEqual(['secure']);
  });

  it('ask each question once in a run', async () => {
    const there = await operator({ secure: true });
    const vantages = open({ doh: [there] });
    await Promise.all([vantages.ask(QUESTION), vantages.ask(QUESTION), vantages.ask({ ...QUESTION, type: 'TXT' })]);
    expect(there.questions.map(({ type }) => type).sort()).toEqual(['CAA', 'SOA', 'TXT']);
    expect(there.questions[0]).toMatchObject(ROOT);
  });
});

describe('the validating resolver', () => {
  const other = { resolve: () => Promise.reject(new Error('the other one is asked')) };

  it('answers what the first operator answers', async () => {
    const [failing, there] = [await operator({ rcode: 'REFUSED' }), await operator({ secure: true })];
    const resolver = validatingResolver(open({ system: [failing], doh: [there] }), other);
    expect(await resolver.resolve(QUESTION)).toMatchObject({ authenticated: true });
  });

  it('fails where the answer is bogus, with the reason in words', async () => {
    const there = await operator({ rcode: 'SERVFAIL', errors: [{ code: 7, text: 'RRSIG\nof 2026' }] });
    const failure = await failureOf(validatingResolver(open({ doh: [there] }), other).resolve(QUESTION));
    expect(failure.message).toContain('answers SERVFAIL: a signature has expired ("RRSIG of 2026")');
    expect(failure.hint).toContain('RRSIG');
  });

  it('does not take the failure of one operator for that of the name servers', async () => {
    const [lost, there] = [await operator({ rcode: 'SERVFAIL' }), await operator({ secure: true })];
    const resolver = validatingResolver(open({ doh: [lost, there] }), other);
    expect(await resolver.resolve(QUESTION)).toMatchObject({ authenticated: true });
    const alone = validatingResolver(open({ doh: [lost] }), other);
    expect((await failureOf(alone.resolve(QUESTION))).message).toMatch(/answers SERVFAIL$/);
  });

  it('does not take the refusal of one operator for that of a CA', async () => {
    const [refusing, there] = [
      await operator({ rcode: 'SERVFAIL', errors: [{ code: 6 }] }),
      await operator({ secure: true }),
    ];
    const resolver = validatingResolver(open({ system: [refusing], doh: [there] }), other);
    expect(await resolver.resolve(QUESTION)).toMatchObject({ authenticated: true });
  });

  it('is the other one where nothing validates', async () => {
    const there = await operator({}, {});
    await expect(validatingResolver(open({ doh: [there] }), other).resolve(QUESTION)).rejects.toThrow('the other one');
  });
});

describe('extended errors', () => {
  it('are said in words, and what an operator adds stays on one line', () => {
    expect(explainErrors([{ code: 9, text: '' }])).toBe('no DNSKEY record belongs to the DS records');
    expect(explainErrors([{ code: 4711, text: 'a\r\n\u001b[31mb\u202e' }])).toMatch(
      /^extended error 4711 \("a\? \?\[31mb\?"\)$/,
    );
    expect(
      hintOf([
        { code: 0, text: '' },
        { code: 10, text: '' },
      ]),
    ).toContain('RRSIG');
    expect(explainErrors([])).toBe('');
  });

  it('never fill the screen', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ code: fc.nat(70), text: fc.string({ unit: 'binary', maxLength: 500 }) })),
        (errors) => {
          const text = explainErrors(errors);
          expect(text.length).toBeLessThan(2000);
          expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
        },
      ),
      { numRuns: 40 },
    );
  });
});
