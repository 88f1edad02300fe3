import type { Fqdn } from '../../src/provider.ts';
import type { Panel } from './client.ts';
import type { Row, Zone } from './schema.ts';
import { dotted } from './zone-book.ts';

/** What the names of challenges hold, read for many adds at once. */
export interface RowBook {
  /** An add begins: the first looks at its own name, for it may be the only one. */
  expectAdd(): void;
  /** Rows of every type at the name, up to half a minute old. */
  at(zone: Zone, name: Fqdn): Promise<Row[]>;
  /** A row that this session has stored. */
  keep(zone: Zone, row: Row): void;
  /** Look anew from now on. */
  forget(): void;
}

/** Others write too. Milliseconds. */
const FRESH_FOR = 30_000;

/** No more rows are taken in one answer: they are some 4 MB. */
const MOST_ROWS = 10_000;

const CHALLENGE = '_acme-challenge.';

interface Look {
  /** When it was begun, in milliseconds since 1970. */
  readonly at: number;
  /** Undefined where there are too many. */
  readonly rows: Promise<RowsByName | undefined>;
  /** Stored by this session since then. */
  readonly own: RowsByName;
}

/** By the name in lower case, with its dot. */
type RowsByName = Map<string, Row[]>;

export function openRowBook(panel: Panel): RowBook {
  let adds = 0;
  /** By the zone's id. */
  const looks = new Map<string, Look>();
  const crowded = new Set<string>();

  function lookAt(zone: Zone): Look {
    const last = looks.get(zone.id);
    if (last && Date.now() - last.at < FRESH_FOR) return last;
    const look = { at: Date.now(), rows: challengeRows(zone), own: new Map() };
    looks.set(zone.id, look);
    look.rows.catch(() => looks.get(zone.id) === look && looks.delete(zone.id));
    return look;
  }

  /** All challenges of a zone, in one search: a value with a percent sign is a LIKE, in which `_` is any character. */
  async function challengeRows({ id }: Zone): Promise<RowsByName | undefined> {
    const found = await panel.rows({ zone: id, name: `${CHALLENGE}%`, '#OFFSET#': 0, '#LIMIT#': MOST_ROWS });
    if (found.length < MOST_ROWS) return byName(found);
    crowded.add(id);
    return undefined;
  }

  return {
    expectAdd() {
      adds++;
    },
    async at(zone, name) {
      if (adds > 1 && name.startsWith(CHALLENGE) && !crowded.has(zone.id)) {
        const look = lookAt(zone);
        const rows = await look.rows;
        const key = dotted(name);
        if (rows) return [...(rows.get(key) ?? []), ...(look.own.get(key) ?? [])];
      }
      return panel.rows({ zone: zone.id, name: dotted(name) });
    },
    keep({ id }, row) {
      const own = looks.get(id)?.own;
      if (own) add(row, own);
    },
    forget: () => looks.clear(),
  };
}

function byName(rows: readonly Row[]): RowsByName {
  const names: RowsByName = new Map();
  for (const row of rows) add(row, names);
  return names;
}

function add(row: Row, names: RowsByName): void {
  const key = row.name.toLowerCase();
  const others = names.get(key);
  if (others) others.push(row);
  else names.set(key, [row]);
}
