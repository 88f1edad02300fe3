export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Table cells for a median, a minimum and a maximum. */
export function spread(numbers: readonly number[], digits = 0): [string, string, string] {
  return [median(numbers).toFixed(digits), Math.min(...numbers).toFixed(digits), Math.max(...numbers).toFixed(digits)];
}

export function shortSpread(numbers: readonly number[], digits = 0): string {
  const [middle, least, most] = spread(numbers, digits);
  return numbers.length === 1 ? middle : `${middle} (${least} to ${most})`;
}

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** @param share 0.99 for the 99th percentile */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
