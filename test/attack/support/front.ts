import { type FakeReply, type FakeRequest, type FaultServer, startFaultServer } from '../../fakes/fault-server.ts';
import { passOn } from '../../faults/support/joined.ts';
import { SUBJECTS, type SubjectName } from '../../faults/support/subjects.ts';
import { isShort } from './scene.ts';

/** Answers a request itself, or changes the answer that the real server has given. */
export type Lie = (
  request: FakeRequest,
  nth: number,
  truth: () => Promise<FakeReply>,
) => FakeReply | Promise<FakeReply>;

export interface Front {
  readonly server: FaultServer;
  /** From now on answers are these, and requests are counted from 1 again. */
  lie(lie: Lie): void;
}

/** A server that stands before a stand-in of an API, and lies. */
export async function openFront(origin: string): Promise<Front> {
  let current: Lie = (_request, _nth, truth) => truth();
  let count = 0;
  const server = await startFaultServer({
    nameOf: ({ method, path }) => `${method} ${path}`,
    reply: (request) => current(request, ++count, () => passOn(request, origin)),
  });
  return {
    server,
    lie(next) {
      current = next;
      count = 0;
    },
  };
}

/** APIs with JSON, XML, forms, signatures and sessions. */
const SOME = ['ispconfig', 'zoneid', 'powerdns', 'cloudflare', 'route53', 'netcup'] as const;

/** Those that speak HTTP: DNS and files have tests of their own, and httpreq cannot list. */
const ALL = (Object.keys(SUBJECTS) as SubjectName[]).filter(
  (name) => !['rfc2136', 'embedded', 'httpreq', 'panelalpha with line numbers'].includes(name),
);

export const HTTP_SUBJECTS: readonly SubjectName[] = isShort ? SOME : ALL;
