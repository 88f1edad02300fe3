import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { normaliseName } from '../../src/names.ts';
import { openOrders } from '../../src/state/orders.ts';

let stateDirectory: string;
beforeEach(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), 'dns01-orders-'));
});
afterEach(() => rm(stateDirectory, { recursive: true, force: true }));

const orders = () => openOrders(stateDirectory);
const challenge = (value: string) => [{ name: normaliseName('_acme-challenge.example.com'), value }];
const values = (list: readonly { value: string }[] | undefined) => list?.map(({ value }) => value);

it('the last call of an order sees what the earlier ones published, in other processes', async () => {
  await orders()?.append('a,b,c', 2, challenge('one'));
  await orders()?.append('a,b,c', 1, challenge('two'));
  expect(values(await orders()?.append('a,b,c', 0, challenge('three')))).toEqual(['one', 'two', 'three']);
});

it('orders of other names do not mix', async () => {
  await orders()?.append('a,b', 1, challenge('one'));
  expect(values(await orders()?.append('c,d', 0, challenge('other')))).toEqual(['other']);
});

it('an order that was given up halfway is forgotten when the next one begins', async () => {
  await orders()?.append('a,b,c', 2, challenge('stale'));
  await orders()?.append('a,b,c', 2, challenge('one'));
  await orders()?.append('a,b,c', 1, challenge('two'));
  expect(values(await orders()?.append('a,b,c', 0, challenge('three')))).toEqual(['one', 'two', 'three']);
});

it('the next order of the same names starts anew', async () => {
  await orders()?.append('a,b', 1, challenge('one'));
  await orders()?.append('a,b', 0, challenge('two'));
  expect(values(await orders()?.append('a,b', 1, challenge('three')))).toEqual(['three']);
});

it('without a state directory there are none', () => {
  expect(openOrders(undefined)).toBeUndefined();
});
