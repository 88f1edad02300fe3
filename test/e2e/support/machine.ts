import { join } from 'node:path';
import { openWorkplace } from '../../support/cli.ts';
import { liveCertificate, runCertbot } from '../lab/certbot.ts';
import { certificateNames } from '../lab/certificate.ts';
import type { Lab } from '../lab/lab.ts';
import type { Pebble } from '../lab/pebble.ts';
import type { Outcome } from '../lab/processes.ts';
import type { Account } from './account.ts';
import { OUR_HOOKS } from './hooks.ts';
import { expectNoSecretIn, textsBelow } from './secrets.ts';

export interface MachineOptions {
  readonly lab: Lab;
  readonly ca: Pebble;
  readonly accounts: readonly Account[];
  /** The zones that CNAMEs lead to. */
  readonly delegated?: readonly string[];
}

/** A machine with certbot, dns01 and a config for some accounts. */
export interface Machine {
  /** Asks for a certificate named after the first domain. */
  certonly(domains: readonly string[]): Promise<Outcome>;
  /** The names on the certificate of this name. */
  certificateNames(certName: string): Promise<string[]>;
  /** Fails where a secret of an account stands in an output, in certbot's files, or in a file of the state directory. */
  expectNoSecret(): Promise<void>;
  close(): Promise<void>;
}

export async function openMachine({ lab, ca, accounts, delegated = [] }: MachineOptions): Promise<Machine> {
  const { directory, stateDirectory, configure, remove } = await openWorkplace();
  const config = await configure(JSON.stringify(configOf(lab, accounts, delegated)));
  const env = { DNS01_CONFIG: config, DNS01_STATE_DIR: stateDirectory };
  const ending = new AbortController();
  const outputs: string[] = [];
  return {
    async certonly(domains) {
      const asked = domains.flatMap((domain) => ['-d', domain]);
      const { auth, cleanup } = OUR_HOOKS;
      const hooks = ['--manual-auth-hook', talkative(auth), '--manual-cleanup-hook', talkative(cleanup)];
      const args = ['certonly', '--cert-name', domains[0] ?? '', ...hooks, ...asked];
      const outcome = await runCertbot(args, { dir: directory, env, pebble: ca, ending: ending.signal });
      outputs.push(outcome.stdout, outcome.stderr);
      return outcome;
    },
    certificateNames: (certName) => certificateNames(liveCertificate(directory, certName)),
    async expectNoSecret() {
      const kept = await Promise.all([join(directory, 'certbot'), stateDirectory].map(textsBelow));
      expectNoSecretIn(
        [...outputs, ...kept.flat()],
        accounts.flatMap(({ secrets }) => secrets),
      );
    },
    async close() {
      ending.abort();
      await remove();
    },
  };
}

/** With all that dns01 has to tell, so that a secret in it would be seen. */
function talkative(hook: string): string {
  return hook.replace(' hook ', ' hook --verbose ');
}

function configOf(lab: Lab, accounts: readonly Account[], delegated: readonly string[]): object {
  const nameOf = ({ login, zone }: Account) => `${login['provider']}-${zone.replaceAll('.', '-')}`;
  const elsewhere = accounts.flatMap(({ zone, nameserver }) =>
    nameserver ? [[zone, [`${nameserver.host}:${nameserver.port}`]]] : [],
  );
  return {
    accounts: Object.fromEntries(accounts.map((account) => [nameOf(account), account.login])),
    zones: Object.fromEntries(
      accounts.map((account) => [
        account.zone,
        { account: nameOf(account), delegated: delegated.includes(account.zone) },
      ]),
    ),
    dns: {
      resolvers: lab.resolvers,
      allowNetworks: ['127.0.0.0/8'],
      nameservers: { ...lab.nameservers, ...Object.fromEntries(elsewhere) },
    },
    propagation: { timeout: 30, interval: 0.2 },
  };
}
