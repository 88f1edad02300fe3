import type { IncomingMessage } from 'node:http';

/** No challenge is larger. In bytes. */
const LIMIT = 8192;

/** The body as text, or undefined when it is larger than any challenge. */
export async function readRequestBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LIMIT) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
