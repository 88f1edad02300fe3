import * as z from 'zod/mini';
import { startDeadline } from '../deadline.ts';
import { Dns01Error } from '../errors.ts';
import { createHttpClient } from '../http/client.ts';
import { proxyFor } from '../http/proxy.ts';
import { isLoopback } from '../names.ts';
import type { Io } from '../output/io.ts';
import { createLog } from '../output/log.ts';
import type { CommonOptions } from './options.ts';

/** Seconds for the whole request. */
const TIMEOUT_S = 30;

const MAX_BYTES = 100_000;

const metaSchema = z.object({
  accountHashPrefix: z.optional(z.string().check(z.maxLength(500))),
  issuerDomainNames: z.optional(
    z.array(z.string().check(z.regex(/^[!-~]{1,253}$/))).check(z.minLength(1), z.maxLength(10)),
  ),
});
const directorySchema = z.object({ meta: z.optional(metaSchema) });

/** What draft 02 of dns-persist-01 adds to the `meta` of an ACME directory (RFC 8555 section 7.1.1). */
export type DirectoryMeta = z.output<typeof metaSchema>;

/** Reads an ACME directory. @throws E_USAGE for a URL without TLS; what the HTTP client throws */
export async function readDirectory(text: string, options: CommonOptions, io: Io): Promise<DirectoryMeta> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url)))) {
    throw new Dns01Error('E_USAGE', `--directory takes an https:// URL, not ${JSON.stringify(text)}`);
  }
  const log = await createLog(options, io);
  const seconds = options.timeout ?? TIMEOUT_S;
  const http = createHttpClient({
    connection: { proxy: proxyFor({}, url, io) },
    requestTimeout: seconds * 1000,
    deadline: startDeadline(seconds * 1000, io.stop),
    log,
  });
  try {
    const answer = await http.send({ call: 'GET directory', method: 'GET', url: url.href, maxBytes: MAX_BYTES });
    if (answer.status === 200) return http.decode(answer, directorySchema).meta ?? {};
    throw new Dns01Error('E_REJECTED', `${url.host} answers ${answer.status} for the directory`, {
      hint: "give the address of the CA's ACME directory, e.g. https://acme-v02.api.letsencrypt.org/directory",
    });
  } finally {
    await http.close();
  }
}
