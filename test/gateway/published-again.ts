import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ZoneidFake } from '../fakes/zoneid.ts';
import { VALUE } from '../support/cli.ts';
import { until } from '../support/until.ts';

/**
 * A value is published again at another gateway while the first one withdraws it at the end of its lease: it is there when
 * the client has its answer, and goes at the end of its new lease.
 * @param name where it is published now, with a lease of some seconds
 * @param publish at the other gateway, which did not run before
 */
export async function expectItStays(
  zoneid: ZoneidFake,
  name: string,
  publish: () => Promise<{ readonly status: number }>,
): Promise<void> {
  const { server } = zoneid;
  expect(zoneid.held(name)).toEqual([VALUE]);
  const release = server.hold('DELETE txt');
  await until(() => server.requests.some(({ call }) => call === 'DELETE txt'));
  const again = publish();
  // What it does while the withdrawal is under way.
  await Promise.race([again, delay(2000)]);
  release();
  expect((await again).status).toBe(200);
  // The withdrawal ends too.
  await delay(300);
  expect(zoneid.held(name)).toEqual([VALUE]);
  await until(() => zoneid.held(name).length === 0);
}
