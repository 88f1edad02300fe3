import type { Command } from 'commander';
import type { Io } from '../output/io.ts';
import { commonOptions } from './options.ts';
import { verb } from './verb.ts';

/** Adds the hook of ACME clients. */
export function addHookCommands(program: Command, io: Io, exit: (code: number) => void): void {
  verb(
    program,
    'hook <client> [args...]',
    "act as an ACME client's hook; all words after the client's name come from the client",
  )
    .option('--wait', 'wait for propagation, even if the client waits itself')
    .option('--no-wait', 'do not wait for propagation')
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText('after', HOOK_EXAMPLES)
    .action(async (client: string, args: string[], { wait }: { wait?: boolean }, command: Command) => {
      const { hook } = await import('./hook.ts');
      exit(await hook(client, args, { ...commonOptions(command), wait }, io));
    });

  program
    .command('hook-by-verb [args...]', { hidden: true })
    .helpOption(false)
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (args: string[], _options: object, command: Command) => {
      const { hookByVerb } = await import('./hook.ts');
      exit(await hookByVerb(args, commonOptions(command), io));
    });
}

const HOOK_EXAMPLES = `
Clients:
  certbot auth       --manual-auth-hook 'dns01 hook certbot auth'
  certbot cleanup    --manual-cleanup-hook 'dns01 hook certbot cleanup'
  acme.sh            dns01 hook acme.sh --install, then acme.sh --issue --dns dns_dns01 …
  lego               EXEC_PATH=/usr/local/bin/dns01-hook lego --dns exec …
  getssl             DNS_ADD_COMMAND="dns01 hook getssl add", DNS_DEL_COMMAND="dns01 hook getssl del"
  mod_md             MDChallengeDns01 /usr/local/bin/dns01 hook mod_md
  acmetool, dehydrated, simple-acme, uacme: dns01-hook is the hook program

Options of dns01 go before the client's name.`;
