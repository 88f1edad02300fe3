import type { Command } from 'commander';
import type { Io } from '../output/io.ts';
import { type CommonOptions, commonOptions } from './options.ts';
import type { UserOptions } from './serve-user.ts';
import { verb } from './verb.ts';

/** Adds the verbs that run until they are stopped. */
export function addServerCommands(program: Command, io: Io): void {
  const server = verb(
    program,
    'serve',
    'run the gateway: ACME clients publish through it, by httpreq, acme-dns or RFC 2136',
  )
    .option('--wait', 'answer only when every name server shows the value', false)
    .addHelpText('after', SERVE_EXAMPLES)
    .option('--check', 'wait until the server of the config is ready', false)
    .action(async ({ wait, check }: { wait: boolean; check: boolean }, command: Command) => {
      if (check) {
        const { checkServer } = await import('./serve-check.ts');
        return checkServer(commonOptions(command), io);
      }
      const { serve } = await import('./serve.ts');
      await serve({ ...commonOptions(command), wait }, io);
    });
  server
    .command('hash')
    .description('read a password from stdin, print its hash for the config')
    .action(async () => {
      const { serveHash } = await import('./serve.ts');
      await serveHash(io);
    });

  addUserCommands(server, io);

  verb(program, 'nameserver', "serve the embedded provider's records as an authoritative DNS server")
    .option('--listen <ADDRESS>', 'address and port; repeat for more', collect, [])
    .addHelpText('after', NAMESERVER_EXAMPLES)
    .action(async (options: { listen: string[] }, command: Command) => {
      const { nameserver } = await import('./nameserver.ts');
      await nameserver({ ...commonOptions(command), listen: options.listen }, io);
    });
}

function addUserCommands(server: Command, io: Io): void {
  const user = server.command('user').description('users of the gateway that are in the state, not in the config');
  verb(user, 'add <name>', 'make a user, print its password or key once')
    .option('--names <LIST>', 'domains whose challenge names it may write, separated by commas')
    .option('--acme-dns <ZONE>', 'make a login for acme-dns clients, with a new name in this domain')
    .option('--tsig', 'make a TSIG key for dynamic updates, not a password')
    .option('--networks <LIST>', 'networks that it may send requests from, separated by commas')
    .option('--live-values <NUMBER>', 'values that it may have published at the same time')
    .option('--requests-per-minute <NUMBER>', 'requests that it may send in a minute')
    .action(async (name: string, given: Omit<UserOptions, keyof CommonOptions>, command: Command) => {
      const { addUser } = await import('./serve-user.ts');
      await addUser(name, { ...commonOptions(command), ...given }, io);
    });
  verb(user, 'list', 'list the users of the config and of the state').action(
    async (_options: object, command: Command) => {
      const { listUsers } = await import('./serve-user.ts');
      await listUsers(commonOptions(command), io);
    },
  );
  verb(user, 'remove <name>', 'remove a user that a command or a registration made').action(
    async (name: string, _options: object, command: Command) => {
      const { removeUser } = await import('./serve-user.ts');
      await removeUser(name, commonOptions(command), io);
    },
  );
}

function collect(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value];
}

const SERVE_EXAMPLES = `
Examples:
  $ openssl rand -base64 24 | tee password | dns01 serve hash
  $ dns01 serve
  $ dns01 serve --check --timeout 30
  $ dns01 serve user add web1 --names example.com,example.org
  $ HTTPREQ_ENDPOINT=http://127.0.0.1:8053 HTTPREQ_USERNAME=web1 HTTPREQ_PASSWORD=… lego --dns httpreq …

It answers as soon as the value is published, because these clients check propagation themselves. With --wait, it
answers when every name server shows the value.`;

const NAMESERVER_EXAMPLES = `
Examples:
  $ dns01 nameserver --listen 127.0.0.1:5300
  $ dns01 nameserver --listen 192.0.2.1:53 --listen [2001:db8::1]:53

It serves the zones of all accounts with provider: embedded, until you stop it. Default: 127.0.0.1:5300.`;
