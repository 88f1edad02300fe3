import { unquoteTxt } from '../../src/provider.ts';
import { type FakeReply, type FakeRequest, startFaultServer } from './fault-server.ts';
import {
  type Action,
  invalid,
  pageOf,
  type RrSet,
  refuse,
  shownAction,
  shownSet,
  shownZone,
  wrongIn,
  type Zone,
} from './hetzner-answers.ts';
import { json, type StandIn, type StandInSettings, zoneHolding } from './stand-in.ts';

export const HETZNER_TOKEN = 'jEheVytlAoFl7F8MqUQ7jAo2hOXASztX0123456789abcdefABCDEF0123456789';

export interface HetznerFakeSettings extends StandInSettings {
  /** A token for reading alone. */
  readonly readOnly?: boolean;
  /** Zones in secondary mode, beside the others. */
  readonly secondaryZones?: readonly string[];
  /** How many further requests arrive before an action has ended; 0: it has ended in the answer to its request. */
  readonly actionSteps?: number;
  /** The first actions fail: they change nothing. */
  readonly failingActions?: number;
  /** The first changes are refused, because another action holds the lock of the zone. */
  readonly lockedChanges?: number;
  /** The TTL of planted record sets; null: the zone's. */
  readonly plantTtl?: number | null;
  /** What the API says to the removal of a value that is not in its set: not documented. */
  readonly absentValue?: 'refuse' | 'accept';
}

const BASE = '/v1';

/** DNS of the Hetzner Cloud API, by its OpenAPI document, for one project. */
export async function startHetznerFake(settings: HetznerFakeSettings = {}): Promise<StandIn> {
  const token = HETZNER_TOKEN;
  const zones = [
    ...(settings.zones ?? ['example.com']).map((name) => ({ name, mode: 'primary' as const })),
    ...(settings.secondaryZones ?? []).map((name) => ({ name, mode: 'secondary' as const })),
  ].map((zone, index): Zone => ({ ...zone, id: 590_000_000 + index, sets: [] }));
  const actions: Action[] = [];
  let failing = settings.failingActions ?? 0;
  let locked = settings.lockedChanges ?? 0;
  let seconds = 3600;

  async function reply(request: FakeRequest): Promise<FakeReply> {
    const answer = await answerTo(request);
    seconds--;
    const limits = {
      'ratelimit-limit': '3600',
      'ratelimit-remaining': String(seconds),
      'ratelimit-reset': '1795262400',
    };
    return { ...answer, headers: { ...answer.headers, ...limits } };
  }

  async function answerTo(request: FakeRequest): Promise<FakeReply> {
    if (request.headers['authorization'] !== `Bearer ${token}`)
      return refuse(401, 'unauthorized', 'unable to authenticate');
    if (request.method !== 'GET' && settings.readOnly) {
      return refuse(403, 'token_readonly', 'the token is only allowed to perform GET requests');
    }
    for (const action of actions) await step(action);
    const { zone: zoneName, resource, name = '', type = '', verb } = parsePath(request.path);
    const query = new URLSearchParams(request.query);
    if (resource === 'action') return actionOf(name);
    if (resource === 'zones') return listZones(query);
    const zone = zones.find((candidate) => candidate.name === zoneName || String(candidate.id) === zoneName);
    if (!zone) return refuse(404, 'not_found', `zone with ID or name '${zoneName}' not found`);
    if (resource === 'zone') return json(200, { zone: shownZone(zone) });
    if (resource === 'rrsets') return listSets(zone, query);
    if (resource === undefined) return refuse(404, 'not_found', 'not found');
    if (zone.mode === 'secondary')
      return refuse(422, 'incorrect_zone_mode', 'not supported for zones in secondary mode');
    const set = zone.sets.find((candidate) => candidate.name === name && candidate.type === type);
    if (verb === undefined) {
      return set ? json(200, { rrset: shownSet(zone, set) }) : refuse(404, 'not_found', 'rrset not found');
    }
    if (locked-- > 0) return refuse(423, 'locked', 'zone is locked');
    const { records, ttl, ...unknown } = JSON.parse(request.body) as Record<string, unknown>;
    const wrong = wrongIn({ zone: zone.name, name, records, ttl, unknown: Object.keys(unknown), verb });
    if (wrong) return invalid(...wrong);
    const values = (records as { value: string }[]).map(({ value }) => value);
    return verb === 'add_records'
      ? addRecords(zone, { name, type, set, values, ttl: ttl as number | undefined })
      : removeRecords(zone, set, values);
  }

  async function step(action: Action): Promise<void> {
    if (action.stepsLeft <= 0) return;
    action.stepsLeft--;
    if (action.stepsLeft === 0) await action.announce();
  }

  /** An action that fails changes nothing. */
  async function start(command: string, zone: Zone, apply: () => void, announce: () => Promise<void>) {
    const fails = failing-- > 0;
    if (!fails) apply();
    const action: Action = {
      id: 1 + actions.length,
      command,
      zone: zone.id,
      stepsLeft: settings.actionSteps ?? 1,
      fails,
      announce: fails ? async () => {} : announce,
    };
    actions.push(action);
    if (action.stepsLeft === 0) await action.announce();
    return json(201, { action: shownAction(action) });
  }

  interface Addition {
    readonly name: string;
    readonly type: string;
    readonly set: RrSet | undefined;
    readonly values: readonly string[];
    readonly ttl: number | undefined;
  }

  function addRecords(zone: Zone, { name, type, set, values, ttl }: Addition): Promise<FakeReply> | FakeReply {
    const twin = values.find((value) => set?.values.includes(value));
    if (twin !== undefined) return invalid('records[0].records[1].value', `duplicate value '${twin}'`);
    if (set && ttl !== undefined && set.ttl !== null && set.ttl !== ttl) {
      return invalid('ttl', 'must be the same as the TTL of the RRSet');
    }
    const target = set ?? { name, type, ttl: null, values: [] };
    const apply = () => {
      if (!set) zone.sets.push(target);
      target.ttl = ttl ?? target.ttl;
      target.values.push(...values);
    };
    return start('add_rrset_records', zone, apply, () => announce(zone, target, values, 'added'));
  }

  function removeRecords(
    zone: Zone,
    set: RrSet | undefined,
    values: readonly string[],
  ): Promise<FakeReply> | FakeReply {
    if (!set) return refuse(404, 'not_found', 'rrset not found');
    const held = values.filter((value) => set.values.includes(value));
    if (held.length < values.length && settings.absentValue !== 'accept') {
      return invalid('records[0].value', 'record does not exist');
    }
    const apply = () => {
      set.values = set.values.filter((value) => !held.includes(value));
      // "The RRSet will be automatically deleted if it doesn't contain any RRs afterwards."
      if (set.values.length === 0) zone.sets.splice(zone.sets.indexOf(set), 1);
    };
    return start('remove_rrset_records', zone, apply, () => announce(zone, set, held, 'removed'));
  }

  async function announce(zone: Zone, { name, type }: RrSet, values: readonly string[], change: 'added' | 'removed') {
    if (type !== 'TXT') return;
    for (const value of values) await settings.onChange?.(zone.name, fullName(zone, name), unquoteTxt(value), change);
  }

  function actionOf(id: string): FakeReply {
    const action = actions.find((candidate) => String(candidate.id) === id);
    return action ? json(200, { action: shownAction(action) }) : refuse(404, 'not_found', `action '${id}' not found`);
  }

  function listZones(query: URLSearchParams): FakeReply {
    const found = zones.filter(
      ({ name, mode }) => (query.get('name') ?? name) === name && (query.get('mode') ?? mode) === mode,
    );
    const { items, meta } = pageOf(found, query);
    return json(200, { zones: items.map(shownZone), meta });
  }

  function listSets(zone: Zone, query: URLSearchParams): FakeReply {
    const types = query.getAll('type');
    const found = zone.sets.filter(
      ({ name, type }) => (query.get('name') ?? name) === name && (types.length === 0 || types.includes(type)),
    );
    const { items, meta } = pageOf(found, query);
    return json(200, { rrsets: items.map((set) => shownSet(zone, set)), meta });
  }

  const txtSets = (name: string) =>
    zones.flatMap((zone) => zone.sets.filter((set) => set.type === 'TXT' && fullName(zone, set.name) === name));

  const server = await startFaultServer({ nameOf, reply });
  return {
    server,
    options: { url: server.origin + BASE, token },
    secrets: [token],
    calls: { add: 'POST add_records', remove: 'POST remove_records' },
    held: (name) => txtSets(name).flatMap((set) => set.values.map(unquoteTxt)),
    plant(name, value, type = 'TXT') {
      const zone = zones.find(
        (candidate) =>
          candidate.name ===
          zoneHolding(
            zones.map((one) => one.name),
            name,
          ),
      );
      if (!zone) throw new Error(`no zone of the fake holds ${name}`);
      const relative = name === zone.name ? '@' : name.slice(0, -zone.name.length - 1);
      let set = zone.sets.find((candidate) => candidate.name === relative && candidate.type === type);
      if (!set) {
        set = { name: relative, type, ttl: settings.plantTtl === undefined ? 3600 : settings.plantTtl, values: [] };
        zone.sets.push(set);
      }
      set.values.push(type === 'TXT' ? `"${value}"` : value);
    },
    everything: () =>
      zones.flatMap((zone) =>
        zone.sets.flatMap(({ name, type, ttl, values }) =>
          values.map((value) => [zone.name, name, type, ttl, value].join(' ')),
        ),
      ),
    close: () => server.close(),
  };
}

const fullName = (zone: Zone, name: string): string => (name === '@' ? zone.name : `${name}.${zone.name}`);

function nameOf({ method, path }: Omit<FakeRequest, 'call'>): string {
  const { resource, verb } = parsePath(path);
  return `${method} ${verb ?? resource ?? path}`;
}

function parsePath(path: string) {
  const [, action] = /^\/v1\/actions\/(\d+)$/.exec(path) ?? [];
  if (action !== undefined) return { resource: 'action', name: action };
  const [, zone, rrsets, set, verb] =
    /^\/v1\/zones(?:\/([^/]+))?(\/rrsets)?(?:\/([^/]+\/[A-Z]+))?(?:\/actions\/(add_records|remove_records))?$/.exec(
      path,
    ) ?? [];
  if (!path.startsWith('/v1/zones')) return { resource: undefined };
  const [name, type] = (set ?? '').split('/').map(decodeURIComponent);
  const resource = set ? 'rrset' : rrsets ? 'rrsets' : zone ? 'zone' : path === '/v1/zones' ? 'zones' : undefined;
  return { resource, zone: decodeURIComponent(zone ?? ''), name, type, verb };
}
