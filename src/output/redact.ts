/** Secrets shorter than this would blank out ordinary words. */
const MIN_SECRET_LENGTH = 6;

/** So many octets of a secret in a row must not be printed. */
const PIECE_OCTETS = 8;

const BLANK = '***';

/** The largest number of decoded forms of a text, such as JSON inside JSON or a percent-encoded URL inside HTML. */
const MAX_VIEWS = 24;

export interface Redactor {
  /** From now on this text is blanked out, in every spelling that a server may send it back in. */
  keep(secret: string): void;
  redact(text: string): string;
  /** Whether `redact` would blank out something. */
  holdsSecret(text: string): boolean;
}

/**
 * Stores the secrets of a run and blanks them out of all output: in any letter case, reversed, with percent, backslash or
 * HTML escapes, split by tags or line breaks, in hex, and in base64 alone or inside a longer text such as the pair of
 * Basic authentication. A piece of 8 octets is enough for a match. All work is done on octets, in latin1.
 */
export function createRedactor(): Redactor {
  const known = new Set<string>();
  const plain = createPieces();
  const hex = createPieces();
  const base64 = createPieces();
  function marksIn(octets: string): Uint8Array {
    const marked = new Uint8Array(octets.length);
    for (const view of viewsOf(octets)) {
      const lower = view.text.toLowerCase();
      plain.find(lower, (start, end) => mark(marked, view, start, end));
      hex.find(lower, (start, end) => mark(marked, view, start, end));
      base64.find(view.text.replace(/-/g, '+').replace(/_/g, '/'), (start, end) =>
        mark(marked, view, ...wholeToken(view, start, end)),
      );
    }
    return marked;
  }
  const redact = (text: string): string => {
    if (known.size === 0) return text;
    const octets = Buffer.from(text).toString('latin1');
    return blanked(octets, marksIn(octets));
  };
  return {
    keep(secret) {
      if (secret.length < MIN_SECRET_LENGTH || known.has(secret)) return;
      known.add(secret);
      for (const octets of spellings(secret)) {
        plain.add(octets.toLowerCase(), PIECE_OCTETS);
        plain.add(octets.toLowerCase().replace(/\s+/g, ''), PIECE_OCTETS);
        hex.add(Buffer.from(octets, 'latin1').toString('hex'), 2 * PIECE_OCTETS);
        for (const core of base64Cores(octets)) base64.add(core, BASE64_PIECE);
      }
    },
    redact,
    holdsSecret: (text) => known.size > 0 && marksIn(Buffer.from(text).toString('latin1')).includes(1),
  };
}

/** Eight octets in base64. */
const BASE64_PIECE = 11;

/** The octets of a secret as servers write them: in UTF-8, in Latin-1, as UTF-8 read as Latin-1, in either letter case. */
function spellings(secret: string): Set<string> {
  const found = new Set<string>();
  for (const text of [secret, secret.toLowerCase(), secret.toUpperCase(), secret.replaceAll(' ', '+')]) {
    for (const each of [text, [...text].reverse().join('')]) {
      const utf8 = Buffer.from(each).toString('latin1');
      found.add(utf8);
      found.add(Buffer.from(utf8).toString('latin1'));
      if (/^[\u0000-\u00ff]*$/.test(each)) found.add(each);
    }
  }
  return found;
}

/** The part of a text's base64 that does not depend on the text around it: one for each alignment. */
function base64Cores(octets: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from(`${'\0'.repeat(shift)}${octets}`, 'latin1')
      .toString('base64')
      .replace(/=+$/, '');
    const complete = Math.floor(((shift + octets.length) * 8) / 6);
    return encoded.slice(shift === 0 ? 0 : shift + 1, complete);
  });
}

/** Pieces of texts, with a fast search for them. */
interface Pieces {
  /** Adds every piece of this length; a shorter text is one piece. */
  add(text: string, length: number): void;
  find(text: string, found: (start: number, end: number) => void): void;
}

function createPieces(): Pieces {
  const byLength = new Map<number, Set<string>>();
  /** The first two octets of any piece. */
  const begins = new Uint8Array(65_536);
  return {
    add(text, wanted) {
      const length = Math.min(wanted, text.length);
      if (length < 4) return;
      const pieces = byLength.get(length) ?? new Set();
      byLength.set(length, pieces);
      for (let start = 0; start + length <= text.length; start++) {
        pieces.add(text.slice(start, start + length));
        begins[keyAt(text, start)] = 1;
      }
    },
    find(text, found) {
      for (let start = 0; start + 1 < text.length; start++) {
        if (!begins[keyAt(text, start)]) continue;
        for (const [length, pieces] of byLength) {
          if (pieces.has(text.slice(start, start + length))) found(start, start + length);
        }
      }
    },
  };
}

const keyAt = (text: string, at: number): number =>
  ((text.charCodeAt(at) & 0xff) << 8) | (text.charCodeAt(at + 1) & 0xff);

/** A decoded text, and where each of its octets comes from: `[from[i], to[i])` of the original. */
interface View {
  readonly text: string;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/**
 * The text itself, decoded in each way and in several ways in turn, and each of these without tags and white space. Each
 * way is also used alone, because what looks like another kind of escape may be part of the secret.
 */
function* viewsOf(octets: string): Generator<View> {
  const positions = Array.from({ length: octets.length }, (_, index) => index);
  const views: View[] = [{ text: octets, from: positions, to: positions.map((index) => index + 1) }];
  const seen = new Set([octets]);
  for (let at = 0; at < views.length; at++) {
    const view = views[at];
    if (!view) return;
    yield view;
    yield replaced(view, /<[^<>]*>|[\s\0]+|\u00c2\u00a0/g, () => '');
    for (const pattern of ESCAPES) {
      const decoded = replaced(view, pattern, decode);
      if (views.length < MAX_VIEWS && !seen.has(decoded.text)) views.push(decoded);
      seen.add(decoded.text);
    }
  }
}

const PERCENT = /%[\da-f]{2}/gi;
const BACKSLASH = /\\u\{[\da-f]{1,6}\}|(?:\\u[\da-f]{4})+|\\x[\da-f]{2}|\\[0-3][0-7]{2}|\\[\s\S]/gi;
const HTML = /&#x[\da-f]{1,6};?|&#\d{1,7};?|&[a-z]{2,6};/gi;
const ESCAPES = [PERCENT, BACKSLASH, HTML];

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  sol: '/',
  bsol: '\\',
  num: '#',
  plus: '+',
  equals: '=',
  percnt: '%',
  excl: '!',
  quest: '?',
  colon: ':',
  semi: ';',
  comma: ',',
  period: '.',
  commat: '@',
  dollar: '$',
  ast: '*',
  lpar: '(',
  rpar: ')',
  lsqb: '[',
  rsqb: ']',
  lcub: '{',
  rcub: '}',
  lowbar: '_',
  grave: '`',
  tilde: '~',
};

const CONTROL: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

/** The octets that an escape stands for; undefined where it is not one. */
function decode(spelled: string): string | undefined {
  const digits = spelled.replace(/^(%|\\x|\\u\{|&#x?|\\)|[;}]$/gi, '');
  if (spelled.startsWith('%') || /^\\x/i.test(spelled)) return String.fromCharCode(Number.parseInt(digits, 16));
  if (/^\\u\{/i.test(spelled)) return utf8(Number.parseInt(digits, 16));
  if (/^\\u/i.test(spelled)) {
    const units = [...spelled.matchAll(/[\da-f]{4}/gi)].map(([unit]) => Number.parseInt(unit, 16));
    return Buffer.from(String.fromCharCode(...units)).toString('latin1');
  }
  if (/^&#x/i.test(spelled)) return utf8(Number.parseInt(digits, 16));
  if (spelled.startsWith('&#')) return utf8(Number.parseInt(digits, 10));
  if (spelled.startsWith('&')) return NAMED[spelled.slice(1, -1).toLowerCase()];
  if (/^\\[0-3][0-7]{2}$/.test(spelled)) return String.fromCharCode(Number.parseInt(digits, 8));
  return CONTROL[digits] ?? digits;
}

function utf8(codePoint: number): string | undefined {
  return codePoint <= 0x10ffff ? Buffer.from(String.fromCodePoint(codePoint)).toString('latin1') : undefined;
}

/** The view with every match replaced; the same view where there is none. */
function replaced(view: View, pattern: RegExp, replace: (match: string) => string | undefined): View {
  const [from, to]: [number[], number[]] = [[], []];
  let [text, at] = ['', 0];
  const copy = (end: number) => {
    text += view.text.slice(at, end);
    for (let index = at; index < end; index++) {
      from.push(view.from[index] ?? 0);
      to.push(view.to[index] ?? 0);
    }
    at = end;
  };
  let changed = false;
  for (const match of view.text.matchAll(pattern)) {
    const octets = replace(match[0]);
    if (octets === undefined) continue;
    changed = true;
    copy(match.index);
    at = match.index + match[0].length;
    text += octets;
    for (let index = 0; index < octets.length; index++) {
      from.push(view.from[match.index] ?? 0);
      to.push(view.to[at - 1] ?? 0);
    }
  }
  if (!changed) return view;
  copy(view.text.length);
  return { text, from, to };
}

/** A secret inside base64 blanks the whole token, because its padding would give away the rest. */
function wholeToken({ text, from, to }: View, start: number, end: number): [number, number] {
  const isBase64 = (at: number) => /[\w+/=-]/.test(text.charAt(at));
  // Where something was removed between two characters, another token begins.
  const areAdjacent = (at: number) => to[at - 1] === from[at];
  let [first, last] = [start, end];
  while (first > 0 && isBase64(first - 1) && areAdjacent(first)) first--;
  while (last < text.length && isBase64(last) && areAdjacent(last)) last++;
  return [first, last];
}

function mark(marked: Uint8Array, { from, to }: View, start: number, end: number): void {
  marked.fill(1, from[start] ?? 0, to[end - 1] ?? 0);
}

function blanked(octets: string, marked: Uint8Array): string {
  if (!marked.includes(1)) return Buffer.from(octets, 'latin1').toString('utf8');
  const isInside = (at: number) => (octets.charCodeAt(at) & 0xc0) === 0x80;
  let clean = '';
  for (let at = 0; at < octets.length; ) {
    let end = at;
    while (end < octets.length && marked[end] === marked[at]) end++;
    // A character of several octets is blanked as a whole.
    if (marked[at]) clean += BLANK;
    else clean += octets.slice(at, end);
    while (marked[at] && end < octets.length && isInside(end)) end++;
    at = end;
  }
  return Buffer.from(clean, 'latin1').toString('utf8');
}
