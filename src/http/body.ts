import type { Readable } from 'node:stream';
import { Dns01Error } from '../errors.ts';

/** The whole body as text. @throws E_PROTOCOL when it is too large to be a real answer */
export async function readBody(body: Readable, call: string, maxBytes: number): Promise<string> {
  const bytes = await readBytes(body, maxBytes);
  if (bytes) return bytes.toString('utf8');
  throw new Dns01Error('E_PROTOCOL', `${call}: the answer is larger than ${maxBytes / 1024 / 1024} MB`, {
    outcomeUnknown: true,
    hint: 'no real answer to this call is so large: check url',
  });
}

/** The whole body; undefined when it is larger. */
export async function readBytes(body: Readable, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      body.destroy();
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Deeper than any real answer of an API. */
const MAX_DEPTH = 64;

/** A list of 100,000 records has fewer. */
const MAX_CONTAINERS = 500_000;

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [...'"\\[]{}'].map((text) =>
  text.charCodeAt(0),
);

/** Whether a JSON text is meant to fill the memory: with deeply nested lists, or millions of empty ones. */
export function isExcessive(text: string): boolean {
  let [depth, containers, inString] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      depth++;
      containers++;
      if (depth > MAX_DEPTH || containers > MAX_CONTAINERS) return true;
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--;
  }
  return false;
}
