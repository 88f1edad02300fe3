import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { KEY_FILES } from './names.ts';
import { type Bag, type Found, isDirectory, type Reader } from './sources.ts';

/** acme.sh's account.conf, and the file of each certificate. They are shell, but are never run. */
export function readAcmeSh(from: string | undefined, reader: Reader): Found {
  const named = from ?? reader.env['LE_CONFIG_HOME'] ?? reader.env['LE_WORKING_DIR'] ?? join(homedir(), '.acme.sh');
  const path = resolve(named);
  const home = isDirectory(path) ? path : dirname(path);
  const account = join(home, 'account.conf');
  const shared = valuesIn(reader.read(account), reader);
  return { bags: [{ from: account, values: shared }, ...certificates(home, shared, reader)], home };
}

function certificates(home: string, shared: ReadonlyMap<string, string>, reader: Reader): Bag[] {
  return reader.list(home).flatMap((folder) => {
    const file = join(home, folder, `${folder.replace(/_ecc$/, '')}.conf`);
    const text = reader.readIfAny(file);
    if (text === undefined) return [];
    const values = valuesIn(text, reader);
    const domains = [values.get('Le_Domain'), ...(values.get('Le_Alt')?.split(',') ?? [])].flatMap((name) =>
      name && name !== 'no' ? [name] : [],
    );
    const services = new Set(
      values
        .get('Le_Webroot')
        ?.split(',')
        .filter((way) => /^dns_\w{1,60}$/.test(way)),
    );
    return [...services].map((service) => {
      // A certificate's own values come before those of the account.
      const isOwn = [...values.keys()].some((name) => !name.startsWith('Le_'));
      return {
        from: isOwn ? file : join(home, 'account.conf'),
        values: new Map([...shared, ...values]),
        certificates: [{ names: domains }],
        service,
      };
    });
  });
}

const BASE64 = /^__ACME_BASE64__START_([\w+/=]*)__ACME_BASE64__END_$/;

/** The lines of the form KEY='value', which are the only ones that acme.sh writes. */
function valuesIn(text: string, reader: Reader): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, quoted] = /^(?:SAVED_)?([A-Za-z_]\w{0,99})='([^']*)'\s*$/.exec(line) ?? [];
    if (!key || !quoted) continue;
    const [, encoded] = BASE64.exec(quoted) ?? [];
    const value = encoded === undefined ? quoted : Buffer.from(encoded, 'base64').toString('utf8');
    values.set(key, KEY_FILES.has(key) ? (reader.readIfAny(value) ?? value) : value);
  }
  return values;
}
