import { open } from 'node:fs/promises';

/** A larger input is counted for too long. */
const MAX_BYTES = 64 * 1024 * 1024;

const BLOCK_BYTES = 256 * 1024;
const LINE_FEED = 0x0a;

/** The lines of an open file, without moving where it is read from; undefined where it is no regular file. */
export async function countLines(descriptor: number): Promise<number | undefined> {
  try {
    const file = await open(`/dev/fd/${descriptor}`);
    try {
      const stats = await file.stat();
      if (!stats.isFile() || stats.size > MAX_BYTES) return undefined;
      const block = Buffer.alloc(BLOCK_BYTES);
      let [count, last] = [0, LINE_FEED];
      for (let at = 0; ; ) {
        const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, at);
        if (bytesRead === 0) return last === LINE_FEED ? count : count + 1;
        for (const byte of block.subarray(0, bytesRead)) if (byte === LINE_FEED) count++;
        last = block[bytesRead - 1] ?? LINE_FEED;
        at += bytesRead;
      }
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
