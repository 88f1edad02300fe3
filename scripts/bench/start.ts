import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingOf, pathTo } from '../../test/e2e/lab/programs.ts';
import { configOf, ZONE } from './accounts.ts';
import { CA_FILE, type InstantApi, startInstantApi } from './instant-api.ts';
import { median, spread } from './numbers.ts';
import { type Findings, goal, leftOut, type Part, table } from './part.ts';
import { openPlace, type Place, VALUE } from './place.ts';
import { PRIMARY_PROGRAMS, type Primary, startPrimary } from './primary.ts';
import { type Contender, inTurn, type Measured } from './process.ts';

const NODE = 'node -e 0';
const ADDS = { http: 'dns01 add-txt, http', https: 'dns01 add-txt, https', update: 'dns01 add-txt, RFC 2136' } as const;
const LEXICON_ADD = 'lexicon create, RFC 2136';

/** The cost of a start, compared with other programs in the same run. */
export const start: Part = {
  title: 'Start',
  async run(rounds): Promise<Findings> {
    const api = await startInstantApi();
    const place = openPlace();
    const missing = missingOf(PRIMARY_PROGRAMS);
    const primary = missing.length === 0 ? await startPrimary(ZONE) : undefined;
    try {
      const { contenders, absent } = contendersFor(place, api, primary);
      const measured = await inTurn(contenders, rounds);
      const noPrimary = primary ? [] : [leftOut('adds over RFC 2136', `not installed: ${missing.join(', ')}`)];
      return {
        lines: [
          `${rounds} rounds in turn, after one to warm up. An add is one request to a server on loopback that answers at once`,
          '(for RFC 2136: BIND), with the journal, the lock and the rate limit on disk; `curl` sends the same request.',
          '',
          ...tableOf(measured),
          '',
          ...goals(measured),
          ...absent,
          ...noPrimary,
        ],
      };
    } finally {
      await primary?.close();
      place.remove();
      api.close();
    }
  },
};

function contendersFor(
  place: Place,
  api: InstantApi,
  primary: Primary | undefined,
): { contenders: Contender[]; absent: string[] } {
  const absent: string[] = [];
  const others = (program: string, contenders: (path: string) => Contender[]): Contender[] => {
    const path = pathTo(program);
    if (path !== undefined) return contenders(path);
    absent.push(leftOut(program, 'it is not installed'));
    return [];
  };
  const version = (program: string) =>
    others(program, (path) => [{ name: `${program} --version`, command: () => ({ argv: [path, '--version'] }) }]);
  const login = { provider: 'zoneid', username: 'u', apiKey: 'bench-key' };
  const contenders = [
    { name: NODE, command: () => ({ argv: [process.execPath, '-e', '0'] }) },
    { name: 'dns01 --version', command: () => place.command(['--version']) },
    { name: 'dns01 --help', command: () => place.command(['--help']) },
    adding(ADDS.http, place, { ...login, url: api.http }),
    adding(ADDS.https, place, { ...login, url: api.https, ca: CA_FILE }),
    asking('node:http, the same request', api.http),
    asking('node:https, the same request', api.https, CA_FILE),
    ...others('curl', (path) => [
      posting('curl, http', path, [], api.http),
      posting('curl, https', path, ['--cacert', CA_FILE], api.https),
    ]),
    ...(primary ? [adding(ADDS.update, place, updateLogin(primary))] : []),
    ...(primary ? others('lexicon', (path) => lexicon(path, place, primary, absent)) : []),
    ...['lego', 'lexicon', 'certbot'].flatMap(version),
  ];
  return { contenders, absent };
}

const nameOf = (round: number): string => `_acme-challenge.round${round + 1}.${ZONE}`;

/** `dns01 add-txt` with a config and a state directory of its own. */
function adding(name: string, { directory, command }: Place, login: object): Contender {
  const file = join(directory, `${name.replaceAll(/\W+/g, '-')}.yaml`);
  writeFileSync(file, JSON.stringify(configOf(login)), { mode: 0o600 });
  return { name, command: (round) => command(['--config', file, 'add-txt', '--no-wait', nameOf(round), VALUE]) };
}

/** The time that Node itself takes for one request: no client on Node can be faster. */
const BARE_REQUEST = `
  const [url, ca, body] = process.argv.slice(1);
  const { request } = require(ca ? 'node:https' : 'node:http');
  const options = { method: 'POST', auth: 'u:bench-key', ...(ca ? { ca: require('node:fs').readFileSync(ca) } : {}) };
  request(url, options, (response) => response.resume()).end(body);`;

function asking(name: string, url: string, ca = ''): Contender {
  const body = (round: number) => JSON.stringify({ name: nameOf(round), destination: VALUE });
  const target = `${url}/dns/${ZONE}/txt`;
  return { name, command: (round) => ({ argv: [process.execPath, '-e', BARE_REQUEST, target, ca, body(round)] }) };
}

function posting(name: string, curl: string, options: readonly string[], url: string): Contender {
  const call = ['-s', '-S', '-f', '-X', 'POST', '-u', 'u:bench-key', ...options];
  const body = (round: number) => JSON.stringify({ name: nameOf(round), destination: VALUE });
  const script = `"$0" "$@" -o /dev/null '${url}/dns/${ZONE}/txt'`;
  return { name, command: (round) => ({ argv: ['/bin/sh', '-c', script, curl, ...call, '-d', body(round)] }) };
}

const updateLogin = ({ endpoint, tsig }: Primary): object => ({
  provider: 'rfc2136',
  server: endpoint.host,
  port: endpoint.port,
  tsig,
});

/** Its provider ddns only knows port 53, and needs a module that its package only suggests. */
function lexicon(path: string, { directory }: Place, { endpoint, tsig }: Primary, absent: string[]): Contender[] {
  if (endpoint.port !== 53) {
    absent.push(leftOut(LEXICON_ADD, 'port 53 on loopback is not available without root'));
    return [];
  }
  if (!existsSync('/usr/lib/python3/dist-packages/dns/update.py')) {
    absent.push(leftOut(LEXICON_ADD, 'python3-dnspython is not installed'));
    return [];
  }
  const suffixes = join(directory, 'suffixes');
  mkdirSync(suffixes);
  const env = {
    LEXICON_DDNS_AUTH_TOKEN: [tsig.algorithm, tsig.name, tsig.secret].join(':'),
    LEXICON_DDNS_DDNS_SERVER: endpoint.host,
    TLDEXTRACT_CACHE_PATH: suffixes,
    HOME: directory,
  };
  const call = ['--delegated', ZONE, 'ddns', 'create', ZONE, 'TXT'];
  const record = (round: number) => [`--name=${nameOf(round)}.`, `--content=${VALUE}`, '--ttl=60'];
  return [{ name: LEXICON_ADD, command: (round) => ({ argv: [path, ...call, ...record(round)], env }) }];
}

const timeOf = ({ costs }: Measured): number => median(costs.map(({ milliseconds }) => milliseconds));
const processorOf = ({ costs }: Measured): number => median(costs.map(({ processor }) => processor ?? Number.NaN));
const peakOf = ({ costs }: Measured): number => median(costs.map(({ peak }) => peak ?? Number.NaN));

function tableOf(measured: readonly Measured[]): string[] {
  const [base] = measured;
  if (!base) return [];
  const shown = (number: number, digits: number) => (Number.isNaN(number) ? '' : number.toFixed(digits));
  return table(
    ['command', 'median ms', 'min', 'max', '× node', 'CPU ms', 'peak MB', '× node'],
    measured.map((one) => [
      one.name === NODE ? `\`${NODE}\`` : one.name,
      ...spread(one.costs.map(({ milliseconds }) => milliseconds)),
      shown(timeOf(one) / timeOf(base), 2),
      shown(processorOf(one), 0),
      shown(peakOf(one), 0),
      shown(peakOf(one) / peakOf(base), 2),
    ]),
  );
}

function goals(measured: readonly Measured[]): string[] {
  const of = (name: string) => measured.find((one) => one.name === name);
  const [base, lexiconAdd] = [of(NODE), of(LEXICON_ADD)];
  const adds = Object.values(ADDS).flatMap((name) => of(name) ?? []);
  if (!base) return [];
  const times = adds.map((add) => timeOf(add) / timeOf(base));
  const peaks = adds.map((add) => peakOf(add) / peakOf(base));
  const shown = (ratios: readonly number[]) =>
    adds.map(({ name }, index) => `${ratios[index]?.toFixed(2)} × (${name.replace('dns01 add-txt, ', '')})`).join(', ');
  const update = of(ADDS.update);
  const faster = update && lexiconAdd ? timeOf(lexiconAdd) / timeOf(update) : undefined;
  return [
    goal(
      `an add within 3 × \`${NODE}\``,
      shown(times),
      times.every((ratio) => ratio <= 3),
    ),
    ...(faster === undefined
      ? []
      : [goal('the same add at least 3 × faster than lexicon', `${faster.toFixed(2)} ×`, faster >= 3)]),
    ...(peaks.some(Number.isNaN)
      ? [leftOut('peak memory', '/usr/bin/time is not installed')]
      : [
          goal(
            `an add within 1.6 × the peak memory of \`${NODE}\``,
            shown(peaks),
            peaks.every((ratio) => ratio <= 1.6),
          ),
        ]),
  ];
}
