import type { Readable } from 'node:stream';
import { Dns01Error } from '../errors.ts';

/** No honest answer is larger: a zone of 50,000 records is about 10 MB. In bytes. */
const BODY_LIMIT = 64 * 1024 * 1024;

/** The whole body as text. @throws E_PROTOCOL when it is larger than any honest answer */
export async function readBody(body: Readable, call: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) {
      body.destroy();
      throw new Dns01Error('E_PROTOCOL', `${call}: the answer is larger than ${BODY_LIMIT / 1024 / 1024} MB`, {
        outcomeUnknown: true,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
