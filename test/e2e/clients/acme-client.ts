import type { Outcome } from '../lab/processes.ts';
import type { Site } from './site.ts';

/** A real ACME client, set up as its page in docs/hooks says. */
export interface AcmeClient {
  /** As the matrix calls it. */
  readonly title: string;
  /** Part of the names that belong to it. */
  readonly slug: string;
  /** It asks the name servers itself before it lets the CA look, so its hook does not wait. */
  readonly looksItself: boolean;
  /** It takes one name completely after the other: the CA looks at the first before the second is published. */
  readonly oneAfterTheOther: boolean;
  /** What is done once on a machine: an account at the CA, a server that runs. */
  prepare?(site: Site): Promise<void>;
  /** Asks for one certificate. */
  issue(site: Site, domains: readonly string[], signal?: AbortSignal): Promise<Outcome>;
  /** The PEM file of the certificate for these domains. */
  certificateFile(site: Site, domains: readonly string[]): string;
}
