import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { decodeMessage, encodeMessage, rcodeName } from '../../src/dns/wire.ts';
import { sign } from '../../src/dns/wire-tsig.ts';
import { createHandler, type HandlerSettings } from '../../src/gateway/handler.ts';
import { httpreq } from '../../src/gateway/httpreq.ts';
import { hashPassword } from '../../src/gateway/password.ts';
import { openSharedLimits } from '../../src/gateway/shared-limit.ts';
import { createUpdateFront, type UpdateFrontSettings } from '../../src/gateway/update/front.ts';
import type { GatewayUser } from '../../src/gateway/users.ts';
import { createWork } from '../../src/gateway/work.ts';
import type { State } from '../../src/state/state.ts';
import { VALUE } from '../support/cli.ts';
import { PASSWORD } from './support.ts';
import { add, updateOf } from './update-client.ts';
import { OWN, WEB1 } from './update-support.ts';

/** A gateway whose state is away until `isThere` is set. */
async function open() {
  const here = { isThere: false, changes: 0, log: [] as string[] };
  const gone = async <Result>(result: Result) => {
    if (!here.isThere) throw new Error('the database is away');
    return result;
  };
  const user = {
    name: 'web1',
    hash: await hashPassword(PASSWORD),
    requestsPerMinute: 300,
    hasOwnLimit: false,
    principal: { mayWrite: () => true },
    mayComeFrom: () => true,
  } as unknown as GatewayUser;
  const change = async () => {
    here.changes++;
    return { rcode: 0 };
  };
  const log = { debug: () => {}, info: () => {}, warn: (line: string) => here.log.push(line) };
  const work = createWork(openSharedLimits({ check: () => gone(undefined) } as unknown as State));
  const common = { work, log, answerWithinMs: 1000 };
  const config = () => ({ zones: [], accounts: {} });
  const core = { carryOut: change, valuesAt: async () => [] };
  const front = (keyOf: UpdateFrontSettings['keyOf']) =>
    createUpdateFront({ ...common, core, config, keyOf, refresh: () => {} } as unknown as UpdateFrontSettings);
  const changes = { make: change, logged: (_user: object, _name: string, task: () => unknown) => task() };
  const handler = (find: () => Promise<GatewayUser>) =>
    createHandler({
      ...common,
      fronts: [httpreq],
      changes,
      users: { find },
      isProxy: () => undefined,
      isDelegated: () => false,
      isReady: async () => here.isThere,
    } as unknown as HandlerSettings);
  return { here, gone, user, front, handler };
}

const bytes = () => sign(encodeMessage(updateOf([add(OWN, VALUE)])), WEB1, Math.floor(Date.now() / 1000)).bytes;
const rcodeOf = (answer: Buffer | undefined) => answer && rcodeName(decodeMessage(answer).rcode);
const from = (message: Buffer) => ({ bytes: message, ip: '192.0.2.1', limit: () => 0xffff });

it('a signed update is put off, and the very same message is taken when the state is back', async () => {
  const { here, front, user } = await open();
  const answer = front(async () => ({ user, key: WEB1 }));
  const message = bytes();
  expect(rcodeOf(await answer(from(message)))).toBe('SERVFAIL');
  expect([here.changes, here.log.join()]).toEqual([0, expect.stringContaining('the database is away')]);
  here.isThere = true;
  expect(rcodeOf(await answer(from(message)))).toBe('NOERROR');
  await answer(from(message));
  expect(here.changes).toBe(1);
});

it('a message whose key cannot be read is put off, and a flood of them does not fill the log', async () => {
  const { here, front, gone } = await open();
  const answer = front(() => gone(undefined));
  const answers = await Promise.all(Array.from({ length: 50 }, () => answer(from(bytes()))));
  expect(new Set(answers.map(rcodeOf))).toEqual(new Set(['SERVFAIL']));
  expect(here.log).toHaveLength(10);
});

const login = `Basic ${Buffer.from(`web1:${PASSWORD}`).toString('base64')}`;
const request = (): IncomingMessage =>
  ({
    url: '/present',
    method: 'POST',
    headers: { authorization: login },
    socket: { remoteAddress: '192.0.2.1' },
  }) as unknown as IncomingMessage;

it('a client over HTTP is asked to come back, and the log says why', async () => {
  const { here, handler, user, gone } = await open();
  for (const find of [async () => user, () => gone(user)]) {
    const { status, headers } = await handler(find)(request());
    expect([status, headers]).toEqual([503, { 'retry-after': '5' }]);
    expect(here.log.splice(0).join()).toContain('the database is away');
  }
  expect(here.changes).toBe(0);
});
