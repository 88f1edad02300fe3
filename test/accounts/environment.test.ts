import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadAllProviders } from '../../providers/index.ts';
import { validAccount } from '../../src/accounts/definition.ts';
import { configFromEnvironment } from '../../src/accounts/environment.ts';
import { settingsOf } from '../../src/accounts/environment-settings.ts';
import { CLOUDFLARE_TOKEN, type CloudflareFake, startCloudflareFake } from '../fakes/cloudflare.ts';
import { expectFailure, openWorkplace, VALUE, type Workplace } from '../support/cli.ts';

const optionsOf = async (env: Readonly<Record<string, string>>) =>
  (await configFromEnvironment(env)).accounts['env']?.options;

describe('the account of the environment', () => {
  it.each([
    ['cloudflare', { TOKEN: 'x', ZONE_ID: '', TIMEOUT: '12.5' }, { token: { env: 'DNS01_TOKEN' }, timeout: 12.5 }],
    [
      'rfc2136',
      { SERVER: '192.0.2.1', PORT: '5300', TSIG_NAME: 'key', TSIG_SECRET_FILE: '/run/secrets/tsig' },
      { server: '192.0.2.1', port: 5300, tsig: { name: 'key', secret: { file: '/run/secrets/tsig' } } },
    ],
    [
      'ispconfig',
      {
        URL: 'https://panel.example.com/remote/json.php',
        USERNAME: 'acme',
        PASSWORD: 'x',
        CLIENT_LOGIN: 'true',
        CLIENT_ID: '7',
      },
      {
        url: 'https://panel.example.com/remote/json.php',
        username: 'acme',
        password: { env: 'DNS01_PASSWORD' },
        clientLogin: true,
        clientId: 7,
      },
    ],
    [
      'acmesh',
      { SCRIPT: 'dns_cf', ENV_CF_Token: 'x' },
      { script: 'dns_cf', env: { CF_Token: { env: 'DNS01_ENV_CF_Token' } } },
    ],
    ['embedded', { ZONES: 'a.example, b.example' }, { zones: ['a.example', 'b.example'] }],
    [
      'netcup',
      { CUSTOMER_NUMBER: '012', API_KEY: 'x', API_PASSWORD: 'y' },
      { customerNumber: '012', apiKey: { env: 'DNS01_API_KEY' }, apiPassword: { env: 'DNS01_API_PASSWORD' } },
    ],
    ['exec', { COMMAND: '/usr/local/bin/my-dns' }, { command: '/usr/local/bin/my-dns' }],
  ])('of %s has its options in the form of their schema', async (provider, variables, options) => {
    const env = Object.fromEntries(Object.entries(variables).map(([name, text]) => [`DNS01_${name}`, text]));
    const config = await configFromEnvironment({ DNS01_PROVIDER: provider, ...env });
    expect(config.accounts).toEqual({ env: { provider, options } });
    await expect(validAccount('env', { config })).resolves.toBeDefined();
  });

  it('has a variable of its own for each option of each provider', async () => {
    for (const definition of await loadAllProviders()) {
      const { all, names } = settingsOf(definition);
      expect(new Set(names).size, definition.type).toBe(2 * all.length);
      expect(names, definition.type).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/_(PROVIDER|CONFIG|STATE_DIR|PROGRAM)$/)]),
      );
    }
  });

  it.each([
    ['a misspelt option', { DNS01_APIKEY: 'secret-x' }, 'DNS01_APIKEY is not an option', 'did you mean DNS01_API_KEY?'],
    [
      'an option that is not set',
      { DNS01_API_KEY: 'secret-x' },
      'not set: DNS01_SECRET_API_KEY',
      'dns01 providers porkbun',
    ],
    [
      'an option that is set twice',
      { DNS01_API_KEY: 'secret-x', DNS01_API_KEY_FILE: '/x' },
      'DNS01_API_KEY and DNS01_API_KEY_FILE are both set',
      'unset one of them',
    ],
  ])('is refused with %s', async (_, env, message, hint) => {
    await expect(configFromEnvironment({ DNS01_PROVIDER: 'porkbun', ...env })).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: `the environment: ${message}`,
      hint: expect.stringContaining(hint),
    });
  });

  it.each([
    ['a wrong number', { DNS01_TIMEOUT: 'soon' }, 'DNS01_TIMEOUT: expected a number'],
    ['a wrong address', { DNS01_URL: 'ftp://x' }, /^DNS01_URL: expected a plain http/],
  ])('names the variable of %s', async (_, env, message) => {
    const config = await configFromEnvironment({ DNS01_PROVIDER: 'cloudflare', DNS01_TOKEN: 'x', ...env });
    await expect(validAccount('env', { config })).rejects.toMatchObject({ message: expect.stringMatching(message) });
  });

  it('needs no options of a block that is not there', async () => {
    const panel = { DNS01_PROVIDER: 'olspanel', DNS01_URL: 'https://x', DNS01_USERNAME: 'u', DNS01_PASSWORD: 'p' };
    expect(await optionsOf(panel)).not.toHaveProperty('powerdns');
    await expect(optionsOf({ ...panel, DNS01_POWERDNS_URL: 'http://127.0.0.1' })).rejects.toThrow(
      'not set: DNS01_POWERDNS_API_KEY',
    );
  });

  it('is not disturbed by what Kubernetes sets for a service that is called dns01', async () => {
    const service = {
      DNS01_SERVICE_HOST: '10.0.0.1',
      DNS01_SERVICE_PORT: '8053',
      DNS01_SERVICE_PORT_HTTP: '8053',
      DNS01_PORT: 'tcp://10.0.0.1:8053',
      DNS01_PORT_8053_TCP: 'tcp://10.0.0.1:8053',
      DNS01_PORT_8053_TCP_ADDR: '10.0.0.1',
    };
    const env = {
      DNS01_PROVIDER: 'rfc2136',
      DNS01_SERVER: '192.0.2.1',
      DNS01_TSIG_NAME: 'k',
      DNS01_TSIG_SECRET: 'eA==',
    };
    expect(await optionsOf({ ...env, ...service })).toEqual(await optionsOf(env));
  });
});

describe('without a config file', () => {
  let here: Workplace;
  let cloudflare: CloudflareFake;
  beforeEach(async () => {
    here = await openWorkplace();
    cloudflare = await startCloudflareFake();
  });
  afterEach(async () => {
    await here.expectNoSecret(CLOUDFLARE_TOKEN);
    await Promise.all([here.remove(), cloudflare.close()]);
  });

  const NAME = '_acme-challenge.example.com';
  const run = (args: string[], more: Record<string, string> = {}) =>
    here.run(args, {
      env: {
        DNS01_CONFIG: '',
        XDG_CONFIG_HOME: here.directory,
        HOME: here.directory,
        DNS01_PROVIDER: 'cloudflare',
        DNS01_URL: String(cloudflare.options['url']),
        ...more,
      },
    });
  const inFile = async () => {
    const file = join(here.directory, 'token');
    await writeFile(file, `${CLOUDFLARE_TOKEN}\n`);
    await chmod(file, 0o600);
    return { DNS01_TOKEN_FILE: file };
  };

  it('a value is published and withdrawn with a token from a file, or from the environment', async () => {
    const fromFile = await inFile();
    const added = await run(['add-txt', '--no-wait', NAME, VALUE], fromFile);
    expect(added).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('published through account env (cloudflare)'),
    });
    expect((await run(['list-txt', NAME], fromFile)).stdout).toBe(`${VALUE}\n`);
    expect(await run(['hook', 'lego', 'cleanup', `${NAME}.`, VALUE], { DNS01_TOKEN: CLOUDFLARE_TOKEN })).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect((await run(['list-txt', NAME], fromFile)).stdout).toBe('');
  });

  it('a refused token stays out of the message', async () => {
    expectFailure(
      await run(['list-txt', NAME], { DNS01_TOKEN: `${CLOUDFLARE_TOKEN}x` }),
      77,
      /account env \(cloudflare\)/,
    );
  });

  it('a secret file that others can write is refused, and the variable is named', async () => {
    const { DNS01_TOKEN_FILE } = await inFile();
    await chmod(DNS01_TOKEN_FILE, 0o622);
    const refusal = /error: DNS01_TOKEN_FILE: .*other users can write this file/;
    expectFailure(await run(['list-txt', NAME], { DNS01_TOKEN_FILE }), 78, refusal, /chmod go-w/);
  });

  it('a provider that is not there is refused with the ones that are', async () => {
    expectFailure(
      await run(['list-txt', NAME], { DNS01_PROVIDER: 'cloudflair' }),
      78,
      /DNS01_PROVIDER: there is no provider/,
    );
  });

  it('doctor says where its account comes from, and that cron does not have the variables', async () => {
    const token = { DNS01_TOKEN: CLOUDFLARE_TOKEN };
    const { stdout } = await run(['doctor'], token);
    expect(stdout).toMatch(/^ok +dns01: config: read from the environment$/m);
    expect(stdout).toMatch(/^ok +account env: secret: token from the environment variable DNS01_TOKEN$/m);
    expect(stdout).toMatch(/^ok +account env: login: accepted$/m);
    expectFailure(await run(['doctor', '--as-cron'], token), 78, /cron does not pass on DNS01_PROVIDER/, /crontab/);
  });

  it('a config file wins, with a warning', async () => {
    await mkdir(join(here.directory, 'dns01'));
    await writeFile(
      join(here.directory, 'dns01', 'config.yaml'),
      'accounts: { here: { provider: embedded, zones: [example.com] } }\ndns: { followCnames: false }\n',
    );
    const { code, stderr } = await run(['list-txt', NAME], { DNS01_TOKEN: CLOUDFLARE_TOKEN });
    expect(stderr).toMatch(/^dns01: warning: DNS01_PROVIDER has no effect: the config is .*config\.yaml$/m);
    expect(stderr).toContain('no TXT record at account here');
    expect(code).toBe(0);
  });

  it('serve still needs a file, because it needs users', async () => {
    expectFailure(
      await run(['serve'], { DNS01_TOKEN: CLOUDFLARE_TOKEN }),
      78,
      /no config found/,
      /this command needs more/,
    );
  });
});
