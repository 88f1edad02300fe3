/** The longest part of a provider's answer that an error message repeats, in characters. */
const EXCERPT_LENGTH = 200;

/**
 * Text that is safe on every terminal and in every pipe: valid UTF-8 without control characters. Line feeds stay, because
 * our messages have them.
 */
export function printable(text: string): string {
  return text.toWellFormed().replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?');
}

/** A value from a provider or the DNS in one column of one line, so that it cannot look like a line of its own. */
export const oneColumn = (text: string): string => text.replace(/[\t\n]/g, '?');

/** A provider's message for one line of an error: without tags and line breaks, at most 200 characters. */
export function excerpt(text: string, length = EXCERPT_LENGTH): string {
  const line = text
    .slice(0, 20_000)
    .replace(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > length ? `${line.slice(0, length - 1).toWellFormed()}…` : line;
}

/** How many entries a list in a sentence has at most. */
const MAX_LISTED = 5;

/** A list for a sentence: the first entries, and how many more there are. @param show called for those that are listed */
export function listed<Entry>(entries: readonly Entry[], show: (entry: Entry) => string = String): string {
  const shown = entries.slice(0, MAX_LISTED).map(show).join(', ');
  const more = entries.length - MAX_LISTED;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** Parsed JSON; `undefined` for a text that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The text without spaces and tabs around it. In one pass: a hostile value has 65,000 of them. */
export function trimBlanks(text: string): string {
  let [start, end] = [0, text.length];
  while (isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

const isBlank = (character: string | undefined): boolean => character === ' ' || character === '\t';
