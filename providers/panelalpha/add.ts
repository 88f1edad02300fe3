import { Dns01Error } from '../../src/errors.ts';
import type { ProviderContext, TxtRecord } from '../../src/provider.ts';
import type { NewTxt, PanelClient, Place } from './client.ts';
import { type Sighting, sight, styleIn } from './match.ts';
import { doubled, type NameStyle, writtenAs } from './names.ts';
import { afterWrite, names, type Refusal, refused } from './refusal.ts';
import { withdraw } from './remove.ts';
import type { PanelRecord } from './schema.ts';
import { watch } from './watch.ts';

interface Tools {
  readonly client: PanelClient;
  readonly context: ProviderContext;
  readonly nameStyle: NameStyle | 'auto';
}

/** What came of sending the record: why it was refused, or where the list shows it. */
type Sent = { readonly refusal: Refusal } | { readonly refusal?: undefined; readonly seen: Sighting };

/**
 * Publish a value. What the panel answers to that is not documented: the list has to show the value at its name. Where
 * it shows it at a doubled name, that is undone and the name is sent in the other form, once.
 * @returns whether anything had to be written
 */
export async function publish(place: Place, record: TxtRecord, tools: Tools): Promise<boolean> {
  const records = await tools.client.records(place);
  const found = sight(records, record, place);
  if (found === 'there') return false;
  // Left behind by a run that was interrupted.
  if (found === 'doubled') await withdraw(place, record, tools);

  const [style, otherStyle] = stylesToTry(records, place, tools);
  const first = await send(style, place, record, tools);
  if (await isThere(first, place, record, tools)) return true;
  if (first.refusal && !(tools.nameStyle === 'auto' && names(first.refusal, 'name'))) throw refused(first.refusal);

  if (!first.refusal) await undo(style, otherStyle, place, record, tools);
  const second = await send(otherStyle, place, record, tools);
  if (await isThere(second, place, record, tools)) return true;
  if (second.refusal) throw refused(first.refusal ?? second.refusal);
  await undo(otherStyle, style, place, record, tools);
  throw alwaysDoubled(place, record);
}

/** The style in which the panel shows names, and the one to try where that was wrong. */
function stylesToTry(records: readonly PanelRecord[], { zone }: Place, { nameStyle }: Tools): [NameStyle, NameStyle] {
  const shown = styleIn(records, zone) ?? 'relative';
  const style = nameStyle === 'auto' ? shown : nameStyle;
  if (style !== 'relative') return [style, 'relative'];
  return [style, shown === 'fqdn-dot' ? 'fqdn-dot' : 'fqdn'];
}

/** One POST, or two where the panel found fault with the TTL. @throws with `outcomeUnknown` where it may have been done */
function send(style: NameStyle, place: Place, record: TxtRecord, tools: Tools): Promise<Sent> {
  const { client, context } = tools;
  const txt: NewTxt = { name: writtenAs(style, record.name, place.zone), txtdata: record.value, ttl: record.ttl };
  const seenIn = (records: readonly PanelRecord[]) => sight(records, record, place, style);
  const look = async () => seenIn(await watch(place, tools, (records) => seenIn(records) !== 'missing'));

  return context.writeOnce<Sent>({
    async write() {
      let refusal = await client.createTxt(place, txt);
      if (refusal && names(refusal, 'ttl')) {
        context.log.debug('the TTL was refused, sending the record without it', { ttl: record.ttl });
        const { ttl: _, ...withoutTtl } = txt;
        refusal = await client.createTxt(place, withoutTtl);
      }
      if (refusal) return { refusal };
      return { seen: await look().catch((error: unknown) => Promise.reject(afterWrite(error))) };
    },
    async look() {
      const seen = await look();
      return seen === 'missing' ? undefined : { seen };
    },
  });
}

/**
 * Whether the value is at its name. A refusal may be the panel's way of saying that it is there already: the statuses
 * are not documented and the texts are translated, so the list decides.
 * @throws E_REMOTE when the record was taken but is not shown
 */
async function isThere(sent: Sent, place: Place, record: TxtRecord, { client }: Tools): Promise<boolean> {
  if (!sent.refusal) {
    if (sent.seen === 'missing') throw notShown(place, record);
    return sent.seen === 'there';
  }
  if ([401, 403, 404].includes(sent.refusal.status)) return false;
  return sight(await client.records(place), record, place) === 'there';
}

/** Take the doubled name away again. @throws with `outcomeUnknown`: it is still there */
async function undo(style: NameStyle, better: NameStyle, place: Place, record: TxtRecord, tools: Tools): Promise<void> {
  tools.context.log.warn(
    `the panel made ${doubled(record.name, place.zone)} of the name in the style ${style}: it is taken away again; ` +
      `if the style ${better} works, set nameStyle: ${better} in the account`,
  );
  await withdraw(place, record, tools).catch((error: unknown) => Promise.reject(afterWrite(error)));
}

function notShown({ zone }: Place, { name }: TxtRecord): Dns01Error {
  return new Dns01Error('E_REMOTE', `the panel took the TXT record at ${name}, but does not list it in ${zone}`, {
    outcomeUnknown: true,
    hint: 'the DNS server behind the panel may be slow: look into the zone in the panel, and run it again a little later',
  });
}

function alwaysDoubled({ zone }: Place, { name }: TxtRecord): Dns01Error {
  return new Dns01Error(
    'E_REJECTED',
    `the panel makes ${doubled(name, zone)} of ${name}, in whichever form it is sent`,
    {
      hint: 'run again with --verbose and report it; until then, give the name a CNAME to a zone at another provider',
    },
  );
}
