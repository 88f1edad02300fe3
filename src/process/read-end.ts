import { once } from 'node:events';
import type { Readable } from 'node:stream';

/** How many bytes of an output are kept. */
const MAX_KEPT_BYTES = 65_536;

export interface OutputEnd {
  readonly closed: Promise<unknown>;
  /** The last 64 KiB. Stops reading. */
  text(): string;
}

/** Reads an output until it ends, so that its writer never blocks, and keeps the end of it. */
export function readEnd(stream: Readable): OutputEnd {
  let chunks: Buffer[] = [];
  let length = 0;
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length < 2 * MAX_KEPT_BYTES) return;
    chunks = [Buffer.concat(chunks).subarray(-MAX_KEPT_BYTES)];
    length = MAX_KEPT_BYTES;
  });
  return {
    closed: once(stream, 'close').catch(() => {}),
    text() {
      stream.destroy();
      return Buffer.concat(chunks).subarray(-MAX_KEPT_BYTES).toString('utf8');
    },
  };
}
