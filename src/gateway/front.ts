import type { IncomingHttpHeaders } from 'node:http';
import type { Fqdn } from '../names.ts';
import type { Answer } from './answer.ts';
import type { GatewayUser } from './users.ts';

export type Action = 'add' | 'remove';

/** What a client asks for, after its front has checked the form. */
export interface ChallengeRequest {
  /** As the client wrote it, for the answer. */
  readonly fqdn: string;
  readonly name: Fqdn;
  readonly value: string;
}

/** A protocol over HTTP: it reads requests and words answers. It never decides who may write what. */
export interface Front {
  readonly name: string;
  /** @param word the last part of the path; the client's config decides what comes before it */
  actionOf(word: string): Action | undefined;
  credentials(headers: IncomingHttpHeaders): Credentials | undefined;
  /** The hash of the password that this front takes from a user. */
  hashOf(user: GatewayUser): string | undefined;
  readonly wrongLogin: Answer;
  /** @returns an answer where the text is not a request for a challenge of this user */
  parse(text: string, user: GatewayUser, isDelegated: (name: Fqdn) => boolean): ChallengeRequest | Answer;
  done(request: ChallengeRequest): Answer;
  failed(error: unknown, request: ChallengeRequest): Answer;
  /** Where the client never asks for a removal, because its protocol has none. */
  readonly hasLease: boolean;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export const isAnswer = (result: ChallengeRequest | Answer): result is Answer => 'status' in result;
