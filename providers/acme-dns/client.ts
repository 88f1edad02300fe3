import * as z from 'zod/mini';
import { Dns01Error, isDns01Error } from '../../src/errors.ts';
import { excerpt, type HttpAnswer, type HttpClient } from '../../src/provider.ts';

interface AcmeDnsAccess {
  /** The server's address, without a slash at the end. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly subdomain: string;
}

export interface AcmeDnsClient {
  /**
   * POST /update: the value takes the place of the older of the two that are there.
   * @throws E_AUTH, E_REJECTED; E_PROTOCOL with `outcomeUnknown`: the value may be there
   */
  update(value: string): Promise<void>;
}

const CALL = 'POST /update';

const answerSchema = z.looseObject({ txt: z.string() });
const faultSchema = z.looseObject({ error: z.string() });

export function createAcmeDnsClient(http: HttpClient, access: AcmeDnsAccess): AcmeDnsClient {
  const { url, username, password, subdomain } = access;

  function send(value: string): Promise<HttpAnswer> {
    const request = http.send({
      call: CALL,
      method: 'POST',
      url: `${url}/update`,
      headers: { 'x-api-user': username, 'x-api-key': password },
      json: { subdomain, txt: value },
    });
    return request.catch(sayThatNobodyKnows);
  }

  return {
    async update(value) {
      const answer = await send(value);
      if (answer.status >= 400) throw refused(answer, access);
      const { txt } = http.decode(answer, answerSchema);
      if (txt === value) return;
      throw new Dns01Error('E_PROTOCOL', `${CALL}: the server confirms another value than was sent`, {
        outcomeUnknown: true,
        hint: 'check that url is the address of an acme-dns server',
      });
    },
  };
}

/** The API cannot be asked whether a value is there, and one that is sent twice takes both places. */
function sayThatNobodyKnows(error: unknown): never {
  if (!isDns01Error(error) || error.code !== 'E_REMOTE' || !error.outcomeUnknown) throw error;
  throw new Dns01Error(error.code, error.message, {
    cause: error.cause,
    outcomeUnknown: true,
    hint: 'nobody knows whether the server took the value: see in DNS before it is sent again, for twice the same pushes the other value out',
  });
}

/** acme-dns answers 401 "forbidden" to all of it: a wrong login, another's subdomain, an address outside of allowfrom. */
function refused(answer: HttpAnswer, { url, subdomain }: AcmeDnsAccess): Dns01Error {
  const told = `(status ${answer.status})${said(answer)}`;
  switch (answer.status) {
    case 401:
    case 403:
      return new Dns01Error('E_AUTH', `${CALL}: the server refuses this registration ${told}`, {
        hint: `username, password and subdomain have to be those of one registration at ${url}, and this machine's address within its allowfrom; a server that lost its database needs a new registration and a new CNAME`,
      });
    case 404:
      return new Dns01Error('E_CONFIG', `${CALL}: there is no acme-dns API at ${url} ${told}`, {
        hint: 'url is the address of the API, without /update or /register',
      });
  }
  return new Dns01Error('E_REJECTED', `${CALL}: refused ${told}`, {
    hint: `check that subdomain is what the server gave at the registration: ${subdomain} is sent`,
  });
}

function said({ text }: HttpAnswer): string {
  const fault = z.safeParse(faultSchema, jsonOf(text));
  const words = excerpt(fault.success ? fault.data.error : text);
  return words === '' ? '' : `: ${words}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
