import { existsSync } from 'node:fs';
import { describe, it } from 'vitest';
import { describeLab } from '../lab/describe-lab.ts';
import { CASES } from './cases.ts';
import { type Client, keepCounted, readCounted } from './counted.ts';
import { countOwn } from './own.ts';
import { acmeshSource, countAcmesh, countLego, countLexicon, type PeerCase } from './peers.ts';

/*
 * A stand-in is right only if clients that know nothing of dns01 can use it. lego and lexicon are Debian's; acme.sh runs
 * where ACMESH_SOURCE names its source tree. To see one provider: -t PROVIDER. DNS01_PEERS=count also writes down the
 * requests, for docs/providers/README.md.
 */
const counts = process.env['DNS01_PEERS'] === 'count';
const LONG_MS = 180_000;

describeLab('the requests to the stand-ins', () => {
  describe.concurrent.each(CASES)('of $provider', (each) => {
    if (each.own !== 'none') {
      const counted = () => countOwn(each, counts || each.own !== 'few');
      it('by dns01', ({ expect }) => check(expect, each, 'dns01', counted), LONG_MS);
    }
    if (each.lego) {
      it('by lego', ({ expect }) => check(expect, each, 'lego', () => countLego(each)), LONG_MS);
    }
    if (each.lexicon) {
      it('by lexicon', ({ expect }) => check(expect, each, 'lexicon', () => countLexicon(each)), LONG_MS);
    }
    if (each.acmesh) {
      const script = `dnsapi/${each.acmesh.script}.sh`;
      const test = existsSync(`${acmeshSource}/${script}`) ? it : it.skip;
      const title = test === it ? 'by acme.sh' : `by acme.sh (ACMESH_SOURCE names no source tree with ${script})`;
      test(title, ({ expect }) => check(expect, each, 'acme.sh', () => countAcmesh(each)), LONG_MS);
    }
  });
});

/** The requests are those in the table of the docs. */
async function check(
  expect: typeof import('vitest').expect,
  { provider }: PeerCase,
  client: Client,
  count: () => Promise<object>,
): Promise<void> {
  const counted = await count();
  if (counts) keepCounted(provider, client, counted);
  else expect(readCounted()[provider]?.[client]).toMatchObject(counted);
}
