import { it } from 'vitest';
import { describeLab } from '../lab/describe-lab.ts';
import { CASES } from './cases.ts';
import { acmeshSource, type Counted, countAcmesh, countLego, countLexicon, type PeerCase } from './peers.ts';

/*
 * A stand-in is right only if clients that know nothing of dns01 can use it. lego and lexicon are Debian's; acme.sh runs
 * where ACMESH_SOURCE names its source tree. To see one provider: -t PROVIDER.
 */
describeLab('other clients and the stand-ins', () => {
  for (const each of CASES) {
    tryPeer(each, 'lego', each.lego && countLego);
    tryPeer(each, 'lexicon', each.lexicon && countLexicon);
    tryPeer(each, 'acme.sh', each.acmesh && acmeshSource ? countAcmesh : undefined);
  }
});

function tryPeer(each: PeerCase, peer: string, count: ((each: PeerCase) => Promise<Counted>) | undefined): void {
  if (!count) return;
  it.concurrent(`${each.provider}: ${peer} publishes and removes`, async ({ expect }) => {
    const counted = await count(each);
    console.info(`${each.provider}: ${peer}: ${counted.add} + ${counted.remove}`);
    expect(Math.min(counted.add, counted.remove)).toBeGreaterThan(0);
  });
}
