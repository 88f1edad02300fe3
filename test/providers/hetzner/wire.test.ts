import { expect, it } from 'vitest';
import hetzner from '../../../providers/hetzner/index.ts';
import { normaliseName } from '../../../src/names.ts';
import { startHetznerFake } from '../../fakes/hetzner.ts';
import { openOn } from '../../support/stand-in-contract.ts';

it('hetzner sends exactly these requests', async () => {
  const fake = await startHetznerFake();
  const { provider, close } = openOn(hetzner, fake);
  const zone = normaliseName('example.com');
  const record = { name: normaliseName('_acme-challenge.www.example.com'), value: 'a;b c=d', ttl: 30, zone };
  await provider.addTxt(record);
  await provider.listTxt(record.name, zone);
  await provider.removeTxt(record);
  await close();
  await fake.close();
  const lines = fake.server.requests.map(({ method, path, query, body }) =>
    [method, path + (query && `?${query}`), body].join(' ').trim(),
  );
  const set = '/v1/zones/example.com/rrsets/_acme-challenge.www/TXT';
  expect(lines).toEqual([
    `POST ${set}/actions/add_records {"records":[{"value":"\\"a;b c=d\\""}],"ttl":60}`,
    'GET /v1/actions/1',
    'GET /v1/zones/example.com/rrsets?name=_acme-challenge.www&type=TXT',
    `POST ${set}/actions/remove_records {"records":[{"value":"\\"a;b c=d\\""}]}`,
    'GET /v1/actions/2',
  ]);
  for (const { headers } of fake.server.requests)
    expect(headers['authorization']).toBe(`Bearer ${fake.options['token']}`);
});
