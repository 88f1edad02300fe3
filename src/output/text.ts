/** Longest piece of a provider's answer that an error message repeats, in characters. */
const EXCERPT_LENGTH = 200;

/**
 * Text that is safe on any terminal and in any pipe: valid UTF-8, no control characters. Line feeds stay, for our own
 * messages are written line by line.
 */
export function printable(text: string): string {
  return text.toWellFormed().replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?');
}

/** A provider's message, short enough for one line of an error: tags and line breaks out, cut at 200 characters. */
export function excerpt(text: string): string {
  const line = text
    .slice(0, 20_000)
    .replace(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > EXCERPT_LENGTH ? `${line.slice(0, EXCERPT_LENGTH - 1).toWellFormed()}…` : line;
}

/** JSON as data; `undefined` for a text that is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
