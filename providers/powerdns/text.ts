/** The longest string inside a TXT record, in bytes (RFC 1035 section 3.3). */
const LONGEST_STRING = 255;

/**
 * The value as the API wants it: in quotes, in several strings where it is longer than one can be, and everything that
 * is not plain ASCII escaped (RFC 1035 section 5.1).
 */
export function quoted(value: string): string {
  const bytes = Buffer.from(value, 'utf8');
  const strings: string[] = [];
  for (let start = 0; start === 0 || start < bytes.length; start += LONGEST_STRING) {
    const escaped = [...bytes.subarray(start, start + LONGEST_STRING)].map(escapedByte).join('');
    strings.push(`"${escaped}"`);
  }
  return strings.join(' ');
}

function escapedByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === '"' || character === '\\') return `\\${character}`;
  return byte >= 0x20 && byte < 0x7f ? character : `\\${String(byte).padStart(3, '0')}`;
}

/** The value that a TXT record's content stands for: its strings joined, without quotes and escapes. */
export function unquoted(content: string): string {
  // Only a row that was written past the API has no quotes.
  if (!content.trimStart().startsWith('"')) return content;
  const strings = [...content.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, inner = '']) => unescaped(inner));
  return Buffer.from(strings.join(''), 'latin1').toString('utf8');
}

/** One character a byte: letters beyond ASCII that were not escaped become the bytes that they are in UTF-8. */
function unescaped(text: string): string {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  return bytes.replace(/\\(?:(\d{3})|(.))/gs, (_, code: string | undefined, character: string | undefined) =>
    code === undefined ? (character ?? '') : String.fromCharCode(Number(code) & 0xff),
  );
}
