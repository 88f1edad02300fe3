import type { IncomingMessage } from 'node:http';
import type { Networks } from '../networks.ts';
import type { Log } from '../output/log.ts';
import type { Answer } from './answer.ts';
import { addressKey, clientIp } from './connections.ts';
import { createGate } from './gate.ts';
import { isProbe, lastPart } from './probes.ts';
import type { Answered } from './server.ts';

/** In a minute, about requests of one address without a login. A flood must not fill the disk. */
const MAX_LINES_ABOUT_STRANGERS = 60;

/** In characters. The log shows no more of a requested path. */
const MAX_SHOWN_PATH = 100;

/** Writes a line about each answer, except for probes that are well: there is one every few seconds. */
export function openAccessLog(
  log: Pick<Log, 'info'>,
  isProxy: () => Networks | undefined,
): (request: IncomingMessage, answer: Answer, took: Answered) => void {
  const strangers = createGate(MAX_LINES_ABOUT_STRANGERS);
  return (request, { status, user, name = '-' }, { milliseconds, gone }) => {
    if (status === 200 && isProbe(lastPart(request.url))) return;
    const line = `${request.url?.slice(0, MAX_SHOWN_PATH)} ${name} ${status} ${milliseconds} ms`;
    const notes = gone ? ', the client has gone' : '';
    if (user !== undefined) return log.info(`serve: ${user} ${line}${notes}`);
    const ip = clientIp(request, isProxy());
    const key = addressKey(ip);
    if (strangers.wait(key) > 0) return;
    strangers.count(key);
    log.info(`serve: - ${line} from ${ip}${notes}`);
  };
}
