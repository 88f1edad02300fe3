import { describe, expect, it, onTestFinished } from 'vitest';
import { type AuthorityFinder, openAuthorityFinder } from '../../src/dns/authority.ts';
import { followCnames } from '../../src/dns/chain.ts';
import { parseServerAddress } from '../../src/dns/server-address.ts';
import { normaliseName } from '../../src/names.ts';
import type { FakeRecord } from '../fakes/dns-server.ts';
import { type Answering, startOperator } from '../fakes/operator.ts';
import { failureOf, serve, zoneOf } from './support.ts';

const NAME = normaliseName('_acme-challenge.example.com');

/** Follow the CNAMEs from the name, in a zone with these records. */
async function follow(...records: FakeRecord[]) {
  const [server] = await serve({ zones: [zoneOf('example.com', [], { records })] });
  const nameservers = [{ zone: normaliseName('example.com'), servers: [server.at] }];
  const { signal } = new AbortController();
  const unanswered: string[] = [];
  const finder = openAuthorityFinder({ resolvers: [], nameservers }, signal);
  const chain = await followCnames(NAME, finder, signal, (at) => void unanswered.push(at));
  return { chain, unanswered };
}

const cname = (name: string, data: string): FakeRecord => ({ name, type: 'CNAME', data });

describe('a chain of CNAMEs', () => {
  it('is the name alone where there is none', async () => {
    expect(await follow()).toEqual({ chain: [NAME], unanswered: [] });
  });

  it('leads to its end, in lower case', async () => {
    const records = [cname(NAME, 'A.example.com'), cname('a.example.com', 'b.example.com')];
    expect((await follow(...records)).chain).toEqual([NAME, 'a.example.com', 'b.example.com']);
  });

  it('is not what a wildcard makes up', async () => {
    expect((await follow(cname('*.example.com', 'a.example.com'))).chain).toEqual([NAME]);
  });

  it.each([
    ['a newline', 'x\n.example.com'],
    ['a shell command', '$(touch x).example.com'],
    ['quotes', '"x".example.com'],
    ['a star', '*.example.com'],
    ['a dash in front', '-x.example.com'],
    ['a blank', 'a b.example.com'],
    ['a slash', '../x.example.com'],
    ['bytes that are not ASCII', 'x\u00e9.example.com'],
    ['a NUL', 'x\0.example.com'],
    ['an escape sequence', 'x\u001b[2J.example.com'],
    ['nothing', '.'],
  ])('ends with an error where a target has %s', async (_, target) => {
    const failure = await failureOf(follow(cname(NAME, target)));
    expect(failure).toMatchObject({
      code: 'E_ZONE',
      message: expect.stringContaining('leads to something that is not a domain name'),
    });
    expect(failure.message).toMatch(/^[ -~]+$/);
  });

  it('ends with an error where it goes round', async () => {
    const failure = await failureOf(follow(cname(NAME, 'a.example.com'), cname('a.example.com', NAME)));
    expect(failure).toMatchObject({ code: 'E_ZONE', message: expect.stringContaining('is a loop') });
  });

  it('ends with an error where it has no end', async () => {
    const names = [NAME, ...Array.from({ length: 12 }, (_, index) => `n${index}.example.com`)];
    const failure = await failureOf(follow(...names.slice(1).map((to, index) => cname(names[index] ?? '', to))));
    expect(failure).toMatchObject({ code: 'E_ZONE', message: expect.stringContaining('longer than 8') });
  });

  it.each([
    ['what a server of the zone says, whatever others say first', true, [NAME, 'a.example.com']],
    ['what others say where no server of the zone answers', false, [NAME, 'lame.example.com']],
  ])('is %s', async (_, authoritative, chain) => {
    const aliases: Answering = ({ name }) =>
      name === NAME ? { answers: [{ type: 'CNAME', name, data: 'lame.example.com' }] } : {};
    const own: Answering = ({ name }) =>
      name === NAME
        ? { authoritative: true, answers: [{ type: 'CNAME', name, data: 'a.example.com' }] }
        : { authoritative: true };
    const started = await Promise.all(
      [aliases, ...(authoritative ? [own] : [])].map((answer) => startOperator({ answer })),
    );
    onTestFinished(async () => void (await Promise.all(started.map(({ close }) => close()))));
    const servers = started.map(({ at }) => ({ name: 'ns.test', ...parseServerAddress(at) }));
    const finder: AuthorityFinder = {
      find: async () => ({ zone: normaliseName('example.com'), servers, configured: false }),
      zoneOf: async () => undefined,
    };
    expect(await followCnames(NAME, finder, AbortSignal.timeout(5000), () => {})).toEqual(chain);
  });

  it('goes on without a CNAME where eight servers are silent, in a few seconds', async () => {
    const servers = await serve(
      ...Array.from({ length: 8 }, (_, index) => ({
        address: `127.0.0.${index + 1}`,
        manners: { udp: 'silent' as const },
      })),
    );
    const nameservers = [{ zone: normaliseName('example.com'), servers: servers.map(({ at }) => at) }];
    const { signal } = new AbortController();
    const unanswered: string[] = [];
    const started = performance.now();
    const finder = openAuthorityFinder({ resolvers: [], nameservers }, signal);
    expect(await followCnames(NAME, finder, signal, (at) => void unanswered.push(at))).toEqual([NAME]);
    expect(unanswered).toEqual([NAME]);
    expect(performance.now() - started).toBeLessThan(4000);
  });
});
