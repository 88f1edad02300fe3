import * as z from 'zod/mini';
import { Dns01Error } from '../../src/errors.ts';
import { excerpt, type Fqdn, type HttpAnswer, normaliseName, type ProviderContext } from '../../src/provider.ts';

/** `domain_list` answers with a bare list, and with an object when it refuses, both with status 200. */
const domainListSchema = z.union([
  z.array(z.object({ domain: z.string() })),
  z.object({ error: z.string() }),
  z.object({ message: z.string() }),
]);

export interface Panel {
  /** The domains of the user, asked for once. @throws E_AUTH, never tried a second time; E_PROTOCOL */
  domains(): Promise<Fqdn[]>;
}

interface Login {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** The user's API: `POST /api/domain_list/`, with the slash at its end and a form as its body. */
export function openPanel({ url, username, password }: Login, { http }: ProviderContext): Panel {
  let asked: Promise<Fqdn[]> | undefined;

  async function ask(): Promise<Fqdn[]> {
    const answer = await http.send({
      call: 'domain_list',
      method: 'POST',
      url: `${url}/api/domain_list/`,
      headers: { username, password },
      form: { username },
      writes: false,
    });
    if (answer.status >= 400) throw refusal(answer, answer.text);
    const body = http.decode(answer, domainListSchema);
    if (!Array.isArray(body)) throw refusal(answer, 'error' in body ? body.error : body.message);
    return body.map(({ domain }) => normaliseName(domain));
  }

  return {
    domains() {
      asked ??= ask();
      return asked;
    },
  };
}

/** The texts differ from version to version: they are shown, and nothing is decided by them. */
function refusal({ call, status }: HttpAnswer, text: string): Dns01Error {
  const said = excerpt(text);
  const message = `${call}: the panel refuses (status ${status})${said ? `: ${said}` : ''}`;
  if (status === 404) {
    return new Dns01Error('E_CONFIG', message, { hint: 'url is the address of the panel itself: https://HOST:PORT' });
  }
  return new Dns01Error('E_AUTH', message, {
    hint: "check username and password, and that the panel's admin has switched the API on; wrong logins get the address blocked",
  });
}
