import { join } from 'node:path';
import { freePorts, LOOPBACK } from '../lab/addresses.ts';
import type { Outcome } from '../lab/processes.ts';
import { pathOf } from '../lab/programs.ts';
import type { AcmeClient } from './acme-client.ts';
import { inPrivateMounts } from './private-mounts.ts';
import { PASSWORD, startServe, USER } from './serve.ts';
import type { Site } from './site.ts';

/** Seconds; lego's own are 2 and 60. */
const EXEC_SETTINGS = { EXEC_POLLING_INTERVAL: '1', EXEC_SEQUENCE_INTERVAL: '1' };

export const legoExec = execClient('lego exec', 'lego-exec', {});
export const legoExecRaw = execClient('lego exec RAW', 'lego-raw', { EXEC_MODE: 'RAW' });
export const legoHttpreq = httpreqClient('lego httpreq', 'lego-http', {});
export const legoHttpreqRaw = httpreqClient('lego httpreq RAW', 'lego-http-raw', { HTTPREQ_MODE: 'RAW' });

type Environment = Readonly<Record<string, string>>;

function execClient(title: string, slug: string, mode: Environment): AcmeClient {
  return {
    title,
    slug,
    looksItself: true,
    oneAfterTheOther: true,
    issue(site, domains, signal) {
      const env = { EXEC_PATH: join(site.bin, 'dns01-hook'), ...EXEC_SETTINGS, ...mode };
      return runLego(site, ['--dns', 'exec', ...asked(domains), 'run'], env, signal);
    },
    certificateFile: legoCertificate,
  };
}

function httpreqClient(title: string, slug: string, mode: Environment): AcmeClient {
  const endpoints = new WeakMap<Site, string>();
  return {
    title,
    slug,
    looksItself: true,
    oneAfterTheOther: false,
    async prepare(site) {
      const [port] = await freePorts(2);
      endpoints.set(site, await startServe(site, { host: LOOPBACK, port }));
    },
    issue(site, domains, signal) {
      const env = {
        HTTPREQ_ENDPOINT: endpoints.get(site) ?? '',
        HTTPREQ_USERNAME: USER,
        HTTPREQ_PASSWORD: PASSWORD,
        HTTPREQ_POLLING_INTERVAL: '1',
        ...mode,
      };
      return runLego(site, ['--dns', 'httpreq', ...asked(domains), 'run'], env, signal);
    },
    certificateFile: legoCertificate,
  };
}

export async function runLego(
  site: Site,
  args: readonly string[],
  env: Environment,
  signal?: AbortSignal,
): Promise<Outcome> {
  const [command, commandArgs] = await inPrivateMounts(site, [
    pathOf('lego'),
    ...legoSettings(site),
    '--accept-tos',
    '--email',
    'you@example.com',
    ...args,
  ]);
  return site.run(command, commandArgs, { env, signal });
}

/** What the laboratory adds to a line of lego. */
export function legoSettings(site: Site): string[] {
  return ['--server', site.acme.directory, '--path', site.dir, '--dns.resolvers', site.lab.resolvers[0] ?? ''];
}

export const asked = (domains: readonly string[]): string[] => domains.flatMap((domain) => ['-d', domain]);

export function legoCertificate(site: Site, [first = '']: readonly string[]): string {
  return join(site.dir, 'certificates', `${first.replace('*', '_')}.crt`);
}
