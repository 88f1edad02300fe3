/** Forms of a value that other tools have and we have not. All return undefined for what they do not know. */

type Get = (name: string) => string | undefined;

/** Values that belong together, with a separator. */
export function joined(separator: string, ...names: readonly string[]): (get: Get) => string | undefined {
  return (get) => {
    const values = names.map(get);
    return values.includes(undefined) ? undefined : values.join(separator);
  };
}

export const withoutDot = (name: string | undefined): string | undefined => name?.toLowerCase().replace(/\.$/, '');

/** `https://USER:PASSWORD@HOST:PORT` in its parts. */
export function loginInUrl(text: string | undefined) {
  if (text === undefined || !URL.canParse(text)) return undefined;
  const { protocol, host, username, password } = new URL(text);
  if (!username || !password) return undefined;
  return { url: `${protocol}//${host}`, username: decoded(username), password: decoded(password) };
}

/** A password may have a percent sign that encodes nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const originOf = (text: string | undefined): string | undefined =>
  text !== undefined && URL.canParse(text) ? new URL(text).origin : text;

/** certbot's plugin takes the address of the panel with and without the path of the API. */
export function apiOfIspconfig(text: string | undefined): string | undefined {
  if (text === undefined || !URL.canParse(text)) return text;
  return new URL(text).pathname === '/' ? `${new URL(text).origin}/remote/json.php` : text;
}

/** A name that is not known stays, and is refused later. */
export const endpointOfOvh = (name: string | undefined): string | undefined =>
  name === undefined ? undefined : (OVH_ENDPOINTS[name.toLowerCase()] ?? name);

const OVH_ENDPOINTS: Readonly<Record<string, string>> = {
  'ovh-eu': 'https://eu.api.ovh.com/1.0',
  'ovh-us': 'https://api.us.ovhcloud.com/1.0',
  'ovh-ca': 'https://ca.api.ovh.com/1.0',
  'kimsufi-eu': 'https://eu.api.kimsufi.com/1.0',
  'kimsufi-ca': 'https://ca.api.kimsufi.com/1.0',
  'soyoustart-eu': 'https://eu.api.soyoustart.com/1.0',
  'soyoustart-ca': 'https://ca.api.soyoustart.com/1.0',
};

/** The key in a file of BIND's form, as tsig-keygen writes it. */
export function tsigKeyOf(text: string | undefined) {
  const [, name, body = ''] = /\bkey\s+"?([\w.-]{1,255})"?\s*\{([^}]{1,2000})\}/.exec(text ?? '') ?? [];
  const algorithm = /\balgorithm\s+"?([\w-]{1,40})/.exec(body)?.[1];
  const secret = /\bsecret\s+"([\w+/=]{1,500})"/.exec(body)?.[1];
  if (name === undefined || secret === undefined) return undefined;
  return { name: withoutDot(name), algorithm: algorithm?.toLowerCase(), secret };
}
