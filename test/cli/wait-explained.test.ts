import { setTimeout as delay } from 'node:timers/promises';
import type * as dnsPacket from 'dns-packet';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startOperator } from '../fakes/operator.ts';
import { link, type SignedZone, signed, signedZone } from '../fakes/signed-zone.ts';
import { expectFailure, OTHER_VALUE, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';
import { until } from '../support/until.ts';

const NAME = '_acme-challenge.example.com';
const EXPIRED = /; the signature of the SOA record in example\.com has expired \(\d{4}-\d\d-\d\d \d\d:\d\d UTC\)$/m;

let here: Workplace;
beforeEach(async () => {
  here = await openWorkplace();
});
afterEach(() => here.remove());

/** A zone with one name server, which a resolver finds. */
async function serve(zone: SignedZone, timeout: number, slowMs = 0) {
  const server = await startOperator({ answer: signedZone('example.com', zone) });
  const records: dnsPacket.Answer[] = [
    { type: 'NS', name: 'example.com', ttl: 60, data: 'ns1.test' },
    { type: 'A', name: 'ns1.test', ttl: 60, data: '127.0.0.1' },
    ...(zone.links ?? []),
  ];
  const resolver = await startOperator({
    answer: async ({ name, type }) => {
      if (type === 'DS') await delay(slowMs);
      return { answers: records.filter((each) => each.name === name && each.type === type) };
    },
  });
  onTestFinished(async () => void (await Promise.all([server.close(), resolver.close()])));
  await here.configure(
    `accounts: { here: { provider: embedded, zones: [example.org] } }
dns: { resolvers: ["${resolver.at}"], roots: ["${server.at}"], allowNetworks: [127.0.0.0/8], followCnames: false }
propagation: { timeout: ${timeout}, interval: 0.1 }
`,
  );
  return server;
}

describe('a wait that ends in vain', () => {
  it('says that the signature of the zone has expired, and what to do', async () => {
    await serve(signed('example.com', { expiresInS: -60 }), 1);
    const outcome = await here.run(['wait-txt', NAME, VALUE]);
    expectFailure(outcome, 75, EXPIRED, /sign example\.com again: check that its signer runs; .*propagation\.timeout/);
  });

  it('says it at the time limit of the run too', async () => {
    await serve(signed('example.com', { expiresInS: -60 }), 60, 400);
    expectFailure(await here.run(['wait-txt', '--timeout', '1', NAME, VALUE]), 75, EXPIRED, /sign example\.com again/);
  });

  it('says that the zone has no key', async () => {
    await serve({ links: [link('example.com')], values: [OTHER_VALUE] }, 1);
    const text =
      /has 1 other value\); the parent of example\.com has a DS record for it, but example\.com has no DNSKEY/;
    expectFailure(await here.run(['wait-txt', NAME, VALUE]), 75, text, /sign the zone, or remove its DS record/);
  });

  it('adds nothing where nothing is wrong', async () => {
    await serve(signed('example.com'), 1);
    expectFailure(await here.run(['wait-txt', NAME, VALUE]), 75, /answers NXDOMAIN\)$/m, /^set a larger/);
  });

  it('asks nothing more after a stop signal', async () => {
    const server = await serve(signed('example.com', { expiresInS: -60 }), 60);
    const outcome = await here.run(['wait-txt', NAME, VALUE], {
      onStart: (child) =>
        void until(() => server.questions.filter(({ name }) => name === NAME).length >= 2).then(() =>
          child.kill('SIGTERM'),
        ),
    });
    expect(outcome.code).toBe(143);
    expect(outcome.stderr).not.toContain('expired');
    expect(server.questions.filter(({ dnssec }) => dnssec)).toEqual([]);
  });
});
