import { createHash } from 'node:crypto';
import definition from '../../../providers/ovh/index.ts';
import { normaliseName } from '../../../src/names.ts';
import type { DnsProvider, TxtRecord } from '../../../src/provider.ts';
import { type OvhSettings, type OvhStandIn, startOvhFake } from '../../fakes/ovh.ts';
import type { TestContextSettings } from '../../support/context.ts';
import { type OpenedProvider, openOn } from '../../support/stand-in-contract.ts';

export const ZONE = normaliseName('example.com');
export const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';
export const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';

export const recordAt = (host: string, value = VALUE): TxtRecord => ({
  name: normaliseName(`${host}.${ZONE}`),
  value,
  ttl: 60,
  zone: ZONE,
});
export const RECORD = recordAt('_acme-challenge');

/** A stand-in and the provider on it, for the time of one task. */
export async function onOvh<Result>(
  task: (provider: DnsProvider, standIn: OvhStandIn, opened: OpenedProvider) => Promise<Result>,
  settings: OvhSettings & { readonly options?: Readonly<Record<string, unknown>> } = {},
  context: TestContextSettings = {},
): Promise<Result> {
  const standIn = await startOvhFake(settings);
  try {
    const opened = openOn(definition, { options: { ...standIn.options, ...settings.options } }, context);
    return await task(opened.provider, standIn, opened).finally(opened.close);
  } finally {
    await standIn.close();
  }
}

/** An answer of the stand-in, asked for without the provider. */
export async function signedGet(options: OvhStandIn['options'], path: string): Promise<unknown> {
  const { url, applicationKey, applicationSecret, consumerKey } = options;
  const time = String(Math.floor(Date.now() / 1000));
  const parts = [applicationSecret, consumerKey, 'GET', `${url}${path}`, '', time];
  const headers = {
    'x-ovh-application': String(applicationKey),
    'x-ovh-consumer': String(consumerKey),
    'x-ovh-timestamp': time,
    'x-ovh-signature': `$1$${createHash('sha1').update(parts.join('+')).digest('hex')}`,
  };
  return (await fetch(`${url}${path}`, { headers })).json();
}
