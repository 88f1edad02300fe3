import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type Endpoint, LOOPBACK } from './addresses.ts';

export interface NotifyLagOptions {
  port: number;
  secondary: Endpoint;
  lagSeconds: number;
}

/**
 * Hears the primary's NOTIFYs and passes them on to the secondary late: `lagSeconds` after the zone's last change.
 * Not after each change: a secondary always copies the whole zone, so an earlier NOTIFY would show a later change too soon.
 */
export async function openNotifyLag({ port, secondary, lagSeconds }: NotifyLagOptions): Promise<() => Promise<void>> {
  const waiting = new Map<string, NodeJS.Timeout>();
  const socket = createSocket('udp4');

  socket.on('message', (message, from) => {
    if (isAnswer(message)) {
      // The secondary has heard.
      stopWaiting(waiting, questionOf(message));
      return;
    }
    // Acknowledged at once, because a primary without an answer repeats its NOTIFY, which would look like a change.
    socket.send(answerTo(message), from.port, from.address);
    stopWaiting(waiting, questionOf(message));
    waiting.set(
      questionOf(message),
      setTimeout(() => passOn(message), lagSeconds * 1000),
    );
  });

  function passOn(notify: Buffer): void {
    socket.send(notify, secondary.port, secondary.host);
    waiting.set(
      questionOf(notify),
      setTimeout(() => passOn(notify), 500),
    );
  }

  socket.bind(port, LOOPBACK);
  await once(socket, 'listening');
  return async () => {
    for (const zone of [...waiting.keys()]) stopWaiting(waiting, zone);
    await closed(socket);
  };
}

function stopWaiting(waiting: Map<string, NodeJS.Timeout>, zone: string): void {
  clearTimeout(waiting.get(zone));
  waiting.delete(zone);
}

/** The question's name as it is on the wire: after the header of 12 bytes, up to the empty label. */
function questionOf(message: Buffer): string {
  return message.subarray(12, message.indexOf(0, 12)).toString('latin1');
}

function isAnswer(message: Buffer): boolean {
  return (message.readUInt8(2) & 0x80) !== 0;
}

function answerTo(message: Buffer): Buffer {
  const answer = Buffer.from(message);
  answer.writeUInt8(message.readUInt8(2) | 0x80, 2);
  return answer;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(resolve));
}
