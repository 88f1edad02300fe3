import { afterAll, beforeAll, expect, it } from 'vitest';
import { providers } from '../../providers/index.ts';
import { expectFailure, openWorkplace, type Workplace } from '../support/cli.ts';

let here: Workplace;
beforeAll(async () => {
  here = await openWorkplace();
});
afterAll(() => here.remove());

it('providers lists all of them, without any config', async () => {
  const { code, stdout } = await here.run(['providers']);
  expect(code).toBe(0);
  for (const type of Object.keys(providers)) expect(stdout).toMatch(new RegExp(`^${type} +\\S`, 'm'));
});

it('providers TYPE shows options, rights and costs', async () => {
  const { stdout } = await here.run(['providers', 'zoneid']);
  expect(stdout).toMatch(/^ {2}\* apiKey +secret: /m);
  expect(stdout).toMatch(/^ {4}ca +text: PEM file/m);
  expect(stdout).toContain('60 requests in 60 s');
  const document = JSON.parse((await here.run(['providers', 'zoneid', '--json'])).stdout);
  expect(document).toMatchObject({ ok: true, type: 'zoneid', rateLimits: [{ requests: 60 }] });
});

it('providers refuses a type that is not there', async () => {
  expectFailure(await here.run(['providers', 'nosuch']), 64, /there is no provider "nosuch"/, /ispconfig/);
});
