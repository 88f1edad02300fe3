import { type Fqdn, zoneCandidates } from '../../src/provider.ts';
import type { Panel } from './client.ts';
import type { Zone } from './schema.ts';
import { type TakeTurns, takingTurns } from './turns.ts';
import type { WriteMark } from './writes.ts';

/** How ISPConfig spells a full name; without the dot it would be taken as relative to the zone. */
export const dotted = (name: Fqdn): string => `${name}.`;

/** Searches do not regard letter case, and with `%` find more than one name. */
export const isNamed = ({ origin }: Zone, name: Fqdn): boolean => origin.toLowerCase() === dotted(name);

/** What the panel said of a name, and when: the serials in it are worth nothing without that. */
interface Sighting {
  /** The zones with exactly this name: there should be one or none. */
  readonly zones: readonly Zone[];
  readonly mark: WriteMark;
}

/** What this session knows of the panel's zones, so that nothing is asked twice. */
export interface ZoneBook {
  /** The first of the names that is a zone. Names that share an end are searched one after the other, to share answers. */
  firstOf(names: readonly Fqdn[]): Promise<(Sighting & { readonly name: Fqdn }) | undefined>;
  /** Ask for everything anew from now on. */
  forget(): void;
}

/** The panel sends each zone with its whole zone file, so that no more are taken in one answer unseen. */
const MOST_BELOW = 25;

export function openZoneBook(panel: Panel): ZoneBook {
  let asked = new Map<Fqdn, Promise<Sighting>>();
  let below = new Map<Fqdn, Promise<Sighting | undefined>>();
  const inTurn: TakeTurns = takingTurns();

  async function named(name: Fqdn): Promise<Sighting> {
    const known = asked.get(name);
    if (known) return known;
    const parent = await longestFoundAbove(name);
    const family = parent === undefined ? undefined : await zonesBelow(parent);
    return family ? only(name, family) : once(asked, name, () => ask(name));
  }

  async function ask(name: Fqdn): Promise<Sighting> {
    const mark = panel.writes.mark();
    return only(name, { zones: await panel.zones({ origin: dotted(name) }), mark });
  }

  async function longestFoundAbove(name: Fqdn): Promise<Fqdn | undefined> {
    for (const parent of zoneCandidates(name).slice(1)) {
      const sighting = await asked.get(parent)?.catch(() => undefined);
      if (sighting && sighting.zones.length > 0) return parent;
    }
    return undefined;
  }

  /** Whoever asks for a second name in a zone will ask for more: one search then tells all. Undefined: too many. */
  function zonesBelow(parent: Fqdn): Promise<Sighting | undefined> {
    return once(below, parent, async () => {
      const mark = panel.writes.mark();
      // The limit stands behind the column: ISPConfig gives the values of a search away in their order.
      const search = panel.zones({ origin: `%.${dotted(parent)}`, '#OFFSET#': 0, '#LIMIT#': MOST_BELOW });
      // Such an answer can be too large for the panel or for us: each zone by itself is not.
      const zones = await search.catch(() => undefined);
      return zones && zones.length < MOST_BELOW ? { zones, mark } : undefined;
    });
  }

  return {
    firstOf(names) {
      const end = names.at(-1) ?? '';
      return inTurn(end, async () => {
        for (const name of names) {
          const sighting = await named(name);
          if (sighting.zones.length > 0) return { ...sighting, name };
        }
        return undefined;
      });
    },
    forget() {
      asked = new Map();
      below = new Map();
    },
  };
}

function only(name: Fqdn, { zones, mark }: Sighting): Sighting {
  return { zones: zones.filter((zone) => isNamed(zone, name)), mark };
}

/** The answer that was asked for already, also while it is on its way; a failure is not kept. */
function once<Answer>(answers: Map<Fqdn, Promise<Answer>>, name: Fqdn, ask: () => Promise<Answer>): Promise<Answer> {
  const asked = answers.get(name) ?? ask();
  answers.set(name, asked);
  asked.catch(() => answers.get(name) === asked && answers.delete(name));
  return asked;
}
