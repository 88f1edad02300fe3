import type { Command } from 'commander';
import type { Io } from '../output/io.ts';
import { commonOptions } from './options.ts';
import { verb } from './verb.ts';

/** Adds the verbs that run until they are stopped. */
export function addServerCommands(program: Command, io: Io): void {
  const server = verb(
    program,
    'serve',
    "run the hook as an HTTP server, for lego's httpreq and acme.sh's dns_acmeproxy",
  )
    .option('--wait', 'answer only when every name server shows the value', false)
    .addHelpText('after', SERVE_EXAMPLES)
    .action(async ({ wait }: { wait: boolean }, command: Command) => {
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

  verb(program, 'nameserver', "serve the embedded provider's records as an authoritative DNS server")
    .option('--listen <ADDRESS>', 'address and port; repeat for more', collect, [])
    .addHelpText('after', NAMESERVER_EXAMPLES)
    .action(async (options: { listen: string[] }, command: Command) => {
      const { nameserver } = await import('./nameserver.ts');
      await nameserver({ ...commonOptions(command), listen: options.listen }, io);
    });
}

function collect(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value];
}

const SERVE_EXAMPLES = `
Examples:
  $ openssl rand -base64 24 | tee password | dns01 serve hash
  $ dns01 serve
  $ HTTPREQ_ENDPOINT=http://127.0.0.1:8053 HTTPREQ_USERNAME=web1 HTTPREQ_PASSWORD=… lego --dns httpreq …

It answers as soon as the value is published, because these clients check propagation themselves. With --wait, it
answers when every name server shows the value.`;

const NAMESERVER_EXAMPLES = `
Examples:
  $ dns01 nameserver --listen 127.0.0.1:5300
  $ dns01 nameserver --listen 192.0.2.1:53 --listen [2001:db8::1]:53

It serves the zones of all accounts with provider: embedded, until you stop it. Default: 127.0.0.1:5300.`;
