/** Verbs whose last operand is a value. */
const VERBS_WITH_VALUE = new Set(['add-txt', 'remove-txt', 'wait-txt']);

/**
 * One in 64 challenge values begins with a dash. It is a value all the same, and must never be read as an option: a
 * value that begins with `-h` would print the help and exit 0 with no record published. Such an operand is moved behind
 * a `--`.
 */
export function protectDashValues(argv: readonly string[]): string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const isValue = (arg: string) => /^-[A-Za-z0-9_-]{42}$/.test(arg);
  const values = argv.slice(0, end).filter(isValue);
  if (values.length === 0 || !argv.some((arg) => VERBS_WITH_VALUE.has(arg))) return [...argv];
  const others = argv.slice(0, end).filter((arg) => !isValue(arg));
  return [...others, '--', ...argv.slice(end + 1), ...values];
}
