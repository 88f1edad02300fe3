import { join } from 'node:path';
import type { Pebble } from './pebble.ts';
import { type Outcome, run } from './processes.ts';
import { pathOf } from './programs.ts';

export interface CertbotOptions {
  /** Added to certbot's environment, and so to that of its hooks. */
  env?: Record<string, string>;
  /** Account and certificates live under this name; another name is another machine. Needed for two certbots at once. */
  home?: string;
  timeoutSeconds?: number;
  /** Kills certbot and its hooks, as a power cut does. */
  signal?: AbortSignal;
}

export interface CertbotSetting extends CertbotOptions {
  dir: string;
  pebble: Pebble;
  /** Nothing that certbot started outlives the laboratory. */
  ending: AbortSignal;
}

/** Debian's certbot in manual mode; the caller names the command, the domains and the hooks. */
export function runCertbot(args: string[], setting: CertbotSetting): Promise<Outcome> {
  const home = certbotHome(setting.dir, setting.home);
  const where = ['config', 'work', 'logs'].flatMap((part) => [`--${part}-dir`, join(home, part)]);
  const consent = ['--non-interactive', '--agree-tos', '--register-unsafely-without-email'];
  const challenge = ['--manual', '--preferred-challenges', 'dns', '--no-random-sleep-on-renew'];
  const server = ['--server', setting.pebble.directory];
  return run(pathOf('certbot'), [...args, ...server, ...consent, ...challenge, ...where], {
    env: { HOME: setting.dir, REQUESTS_CA_BUNDLE: setting.pebble.caFile, ...setting.env },
    cwd: setting.dir,
    timeoutSeconds: setting.timeoutSeconds ?? 120,
    signal: AbortSignal.any([setting.ending, ...(setting.signal ? [setting.signal] : [])]),
  });
}

/** The certificate (with its chain) that certbot keeps for a certificate name. */
export function liveCertificate(dir: string, certName: string, home?: string): string {
  return join(certbotHome(dir, home), 'config', 'live', certName, 'fullchain.pem');
}

function certbotHome(dir: string, home = 'certbot'): string {
  return join(dir, home);
}
