import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import { defineProvider, httpUrl, type ProviderDocs, secret } from '../../src/provider.ts';
import { createAcmeDnsClient } from './client.ts';

const options = z.strictObject({
  url: httpUrl('address of the acme-dns server, like https://auth.example.org'),
  username: z.string().check(z.minLength(1), z.describe('username of the registration')),
  password: secret('password of the registration'),
  subdomain: z
    .string()
    .check(
      z.regex(
        /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/,
        'expected the subdomain of the registration alone, without the domain of the server',
      ),
      z.describe('subdomain of the registration, as the server gave it, without the domain behind it'),
    ),
});

const docs: ProviderDocs = {
  url: 'https://github.com/joohoi/acme-dns#api',
  rights: [
    'a registration at the server (POST /register gives username, password, subdomain and fulldomain), one for each name that gets certificates',
    'for each such name a CNAME that stays: `_acme-challenge.www.example.com. CNAME SUBDOMAIN.auth.example.org.`',
    'where the registration limits the addresses (allowfrom): the address of this machine',
  ],
  requests: { add: '1', remove: 'none' },
  tried: "against a fake made from acme-dns's source (2024-12-15); not against a running server",
  notes: [
    'the subdomain decides where a value goes, not the name it is for: the CNAME has to lead to it, or the value is never seen',
    'the server keeps the two newest values of a registration, enough for a name and its wildcard: a third pushes the oldest out, so names that are renewed at the same time need a registration each',
    'the API cannot delete: remove-txt is a success that changes nothing, and the value stays until newer ones push it out, which does no harm',
    'the API cannot be asked what is there: an add always reports a change, and list-txt is refused',
    'the same value twice takes both places: it pushes the other value out, so dns01 never sends a value again unless it is asked to add it again',
    'values have to be 43 characters long, as those of dns-01 are',
  ],
};

export default defineProvider({
  type: 'acme-dns',
  title: 'acme-dns',
  docs,
  options,
  http: true,
  create(access, context) {
    const client = createAcmeDnsClient(context.http, access);
    return {
      async addTxt({ name, value, zone }) {
        refuseOtherLengths(value);
        await client.update(value);
        return { zone: zone ?? name, changed: true };
      },
      async removeTxt({ name }) {
        context.log.debug('acme-dns cannot delete: the value stays until newer ones push it out', { name });
        return 'absent';
      },
      async listTxt(name) {
        throw new Dns01Error('E_REJECTED', `acme-dns cannot be asked which values ${name} holds`, {
          hint: 'its API can only write: ask DNS instead, with dns01 wait-txt or dig',
        });
      },
    };
  },
});

/** The server takes nothing else (acme-dns, validation.go), and says only bad_txt. */
function refuseOtherLengths(value: string): void {
  if (/^[A-Za-z0-9_-]{43}$/.test(value)) return;
  throw new Dns01Error(
    'E_REJECTED',
    `acme-dns takes only values of 43 characters of base64url, this one has ${value.length}`,
    {
      hint: 'it serves dns-01 challenges alone: put other TXT records into a zone of your own',
    },
  );
}
