import { beforeAll } from 'vitest';
import { CLASS, type OutgoingMessage, type OutgoingRecord } from '../../src/dns/wire.ts';
import type { TsigKey } from '../../src/dns/wire-tsig.ts';
import { PERSIST_NAME } from '../support/persist.ts';
import { type Gateway, serveConfig, useGateway } from './support.ts';
import { type Answered, keyOf, type SendSettings, send } from './update-client.ts';

/** A line of `serve.users` with a TSIG key. @param more other keys, as YAML */
export const keyUser = ({ name, algorithm, secret }: TsigKey, names: readonly string[], more = ''): string =>
  `    ${name}: { tsig: { algorithm: ${algorithm}, secret: "${secret.toString('base64')}" }, names: [${names.join(', ')}]${more} }\n`;

/** For `serveConfig`. */
export const UPDATE = '  update: { listen: ["127.0.0.1:0"] }\n';

export const WEB1 = keyOf('web1');
export const WEB2 = keyOf('web2');
/** The key of a user who may send from no network that a test has. */
export const ELSEWHERE = keyOf('elsewhere');

/** A name of the first user, and one of the second. */
export const OWN = '_acme-challenge.www.example.com';
export const OTHERS = '_acme-challenge.shop.example.com';

export interface UpdateGateway {
  readonly gateway: Gateway;
  /** Over TCP with the key of the first user, unless `settings` say otherwise. */
  send(message: OutgoingMessage, settings?: Partial<SendSettings>): Promise<Answered>;
  /** How many changes the provider was asked for. */
  writes(): number;
}

/** One server for all tests of a file, at which nothing else happens. */
export function useUpdateGateway(): UpdateGateway {
  const gateway = useGateway('file');
  beforeAll(async () => {
    const { panels, here } = gateway;
    const users = [
      keyUser(WEB1, ['www.example.com', 'shop.example.ee', PERSIST_NAME]),
      keyUser(WEB2, ['shop.example.com']),
      keyUser(ELSEWHERE, ['www.example.com'], ', networks: [192.0.2.0/24]'),
    ].join('');
    const config = panels.config.replace('example.ee: zone-eu', 'example.ee: { account: zone-eu, delegated: true }');
    await here.configure(`${config}${serveConfig(users, '127.0.0.1:0', UPDATE)}`);
    await gateway.start();
  });
  return {
    gateway,
    send: (message, settings = {}) => send(message, { at: gateway.server?.updatesAt[0] ?? '', key: WEB1, ...settings }),
    writes: () => gateway.panels.ispconfig.server.requests.filter(({ call }) => /_(add|delete)$/.test(call)).length,
  };
}

export const record = (name: string, type: number, data: Buffer = Buffer.of(192, 0, 2, 1)): OutgoingRecord => ({
  name,
  type,
  class: CLASS.IN,
  ttl: 60,
  data,
});
