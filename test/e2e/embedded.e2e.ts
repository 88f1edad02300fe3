import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeLab } from './lab/describe-lab.ts';
import { type EmbeddedWorld, openEmbeddedWorld } from './support/embedded-world.ts';
import { OUR_HOOKS } from './support/hooks.ts';
import { expectSuccess } from './support/outcome.ts';

const ZONE = 'example.com';

describeLab('dns01 nameserver', () => {
  let world: EmbeddedWorld;
  beforeEach(async () => {
    world = await openEmbeddedWorld(ZONE);
  });
  afterEach(() => world?.close());

  it('is all that a CA needs to ask: certbot gets a name and its wildcard', async () => {
    const name = `_acme-challenge.${ZONE}`;
    const foreign = 'not-from-certbot';
    expectSuccess(await world.here.run(['add-txt', name, foreign]));

    const domains = ['-d', ZONE, '-d', `*.${ZONE}`];
    const hooks = ['--manual-auth-hook', OUR_HOOKS.auth, '--manual-cleanup-hook', OUR_HOOKS.cleanup];
    expectSuccess(await world.certbot(['certonly', ...hooks, ...domains]));
    expect(await world.certificateNames(ZONE)).toEqual([`*.${ZONE}`, ZONE]);

    expect(await world.txt(name)).toEqual([foreign]);
    expect((await world.here.run(['list-txt', name])).stdout).toBe(`${foreign}\n`);
  });

  it('has nothing to show the CA when nothing was published', async () => {
    const hooks = ['--manual-auth-hook', 'true', '--manual-cleanup-hook', 'true'];
    const { code, stdout, stderr } = await world.certbot(['certonly', ...hooks, '-d', ZONE]);
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/Type: +unauthorized\s+Detail: .*TXT record/);
  });
});
