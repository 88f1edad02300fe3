/** The known word that a misspelt one was probably meant to be; undefined where none is close. Letter case does not count. */
export function closestTo(word: string, known: Iterable<string>): string | undefined {
  // A long word is no typing mistake, and comparing takes its length times the other's.
  if (word.length > MAX_LENGTH) return undefined;
  let best: { readonly word: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const distance = distanceOf(word.toLowerCase(), candidate.toLowerCase());
    const mostAllowed = Math.max(word.length, candidate.length) * MAX_SHARE_CHANGED;
    if (distance <= mostAllowed && distance < (best?.distance ?? Number.POSITIVE_INFINITY))
      best = { word: candidate, distance };
  }
  return best?.word;
}

/** The beginning of a hint for a word that is not known. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const close = closestTo(word, known);
  return close === undefined ? undefined : `did you mean ${close}?`;
}

const MAX_LENGTH = 100;
const MAX_SHARE_CHANGED = 0.4;

/** How many letters have to be added, removed, changed or swapped with their neighbour. */
function distanceOf(one: string, other: string): number {
  let before: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let line = 1; line <= one.length; line++) {
    const next = [line];
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[line - 1] === other[column - 1];
      const isSwapped =
        line > 1 && column > 1 && one[line - 1] === other[column - 2] && one[line - 2] === other[column - 1];
      const at = (cells: readonly number[], index: number) => cells[index] ?? 0;
      next[column] = Math.min(
        at(row, column) + 1,
        at(next, column - 1) + 1,
        at(row, column - 1) + (isSame ? 0 : 1),
        isSwapped ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, row] = [row, next];
  }
  return row[other.length] ?? 0;
}
