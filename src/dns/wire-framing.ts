import { uint16s } from './wire.ts';

/** A message for TCP, with its length in front (RFC 7766 section 8). */
export const withLength = (message: Buffer): Buffer => Buffer.concat([uint16s(message.length), message]);

/** Many small chunks are joined now and then, so that a sender of single bytes costs neither much time nor memory. */
const MAX_CHUNKS = 64;

/** Splits a TCP stream into messages: each call takes a chunk and returns the messages that are complete. */
export function createMessageReader(): (chunk: Buffer) => Buffer[] {
  let chunks: Buffer[] = [];
  let [size, wanted] = [0, 2];
  return (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size < wanted && chunks.length < MAX_CHUNKS) return [];
    let received = Buffer.concat(chunks);
    const messages: Buffer[] = [];
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      messages.push(received.subarray(2, end));
      received = received.subarray(end);
    }
    chunks = [received];
    size = received.length;
    wanted = size < 2 ? 2 : 2 + received.readUInt16BE(0);
    return messages;
  };
}
