/** XML of APIs. The parser is loaded only when an answer is read, so that it costs nothing where no API speaks XML. */
import * as z from 'zod/mini';
import { Dns01Error } from '../errors.ts';
import { firstFinding } from '../issues.ts';
import { excerpt } from '../output/text.ts';
import type { HttpAnswer } from './context.ts';

/** Deeper than any real answer of an API. */
const MAX_DEPTH = 32;

/** A zone with 10,000 record sets has fewer. */
const MAX_ELEMENTS = 200_000;

const RESERVED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * The XML of an answer, checked by a schema. An element with children or attributes is an object; an attribute has a `@`
 * before its name; every other element is its text. Nothing becomes a number or a boolean. Document types are refused,
 * so there are no entities but those of XML itself.
 * @throws E_PROTOCOL with the call and the field; `outcomeUnknown`, because the request may have been done
 */
export async function decodeXml<Schema extends z.core.$ZodType>(
  answer: HttpAnswer,
  schema: Schema,
): Promise<z.output<Schema>> {
  const data = await parse(answer);
  const parsed = z.safeParse(schema, data);
  if (parsed.success) return parsed.data;
  const { path, text } = firstFinding(parsed.error.issues, data);
  throw unexpected(
    answer,
    `unexpected answer, ${path.length === 0 ? '' : `field ${path.map(String).join('.')} `}${text}`,
  );
}

async function parse(answer: HttpAnswer): Promise<unknown> {
  const { text, status } = answer;
  if (isExcessive(text)) throw unexpected(answer, 'the answer has more parts or deeper nesting than any real answer');
  const { XMLParser, XMLValidator } = await import('fast-xml-parser');
  const name = (shown: string) => {
    if (RESERVED.has(shown)) throw new Error(`reserved name ${shown}`);
    return shown;
  };
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    trimValues: false,
    processEntities: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
    transformTagName: name,
    transformAttributeName: (shown) => `@${name(shown.slice(1))}`,
    tagValueProcessor: (_, value) => unescapeXml(value),
    attributeValueProcessor: (_, value) => unescapeXml(value),
  });
  try {
    // Only the validator refuses what is not well-formed, and only this search refuses a document type.
    if (XMLValidator.validate(text) === true && !/<!(?!--|\[CDATA\[)/.test(text)) return parser.parse(text);
  } catch {}
  const got = text.trim() === '' ? 'an empty body' : `"${excerpt(text)}"`;
  throw unexpected(answer, `expected XML, got ${got} (status ${status})`);
}

function isExcessive(text: string): boolean {
  let [depth, elements] = [0, 0];
  for (const [tag] of text.matchAll(/<\/|<(?=[^!?/])|\/>/g)) {
    if (tag === '<') {
      depth++;
      elements++;
    } else depth--;
    if (depth > MAX_DEPTH || elements > MAX_ELEMENTS) return true;
  }
  return false;
}

function unexpected({ call }: HttpAnswer, what: string): Dns01Error {
  return new Dns01Error('E_PROTOCOL', `${call}: ${what}`, {
    outcomeUnknown: true,
    hint: 'check that url is the address of the API and that no proxy or login page is in front of it',
  });
}

/** The children of one name: none, one or many. */
export function xmlChildren<Item extends z.core.$ZodType>(item: Item) {
  const list = z.pipe(
    z.optional(z.unknown()),
    z.transform((found: unknown): unknown[] => (found === undefined ? [] : [found].flat())),
  );
  return z.pipe(list, z.array(item));
}

const blank = z.string().check(z.regex(/^\s*$/));

/** An element that only lists children of one name. */
export function xmlList<Item extends z.core.$ZodType>(name: string, item: Item) {
  const parent = z.object({ [name]: xmlChildren(item) });
  return z.pipe(
    z.union([parent, blank]),
    z.transform((shown): z.output<Item>[] => (typeof shown === 'string' ? [] : (shown[name] ?? []))),
  );
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Text in an element or attribute, to send. */
export const escapeXml = (text: string): string =>
  text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Text from an element or attribute, with the entities of XML itself. Any other entity stays as it is. */
export function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/gi, (entity, decimal, hex, name: string) => {
    if (name !== undefined) return ENTITIES[name] ?? entity;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : entity;
  });
}
