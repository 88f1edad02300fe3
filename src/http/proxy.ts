import { Dns01Error } from '../errors.ts';
import { isLoopback } from '../names.ts';
import type { ProxySettings } from './dispatcher.ts';

/** The account's proxy, else that of the environment, read as curl reads it. Loopback never needs one. */
export function proxyFor(
  { proxy }: { readonly proxy?: string | undefined },
  url: URL | undefined,
  { env }: { readonly env: Readonly<Record<string, string | undefined>> },
): ProxySettings | undefined {
  if (proxy) return { url: proxy };
  if (!url || isLoopback(url)) return undefined;
  const scheme = url.protocol.replace(':', '');
  const names = [`${scheme}_proxy`, `${scheme.toUpperCase()}_PROXY`, 'all_proxy', 'ALL_PROXY'];
  const name = names.find((each) => env[each]);
  const text = env[name ?? ''];
  if (!name || !text) return undefined;
  const full = text.includes('://') ? text : `http://${text}`;
  if (URL.canParse(full) && /^https?:/.test(full)) return { url: full, except: env['no_proxy'] || env['NO_PROXY'] };
  throw new Dns01Error('E_CONFIG', `the environment variable ${name} is not the address of an HTTP proxy`, {
    hint: `set ${name} to http://HOST:PORT, or proxy: in the account`,
  });
}
