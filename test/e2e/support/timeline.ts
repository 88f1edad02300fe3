/** What happened while a client worked, in order: changes of what DNS holds, and questions that dns01 asked. */
export type Happening =
  | { readonly kind: 'published' | 'withdrawn'; readonly name: string; readonly value: string }
  | { readonly kind: 'asked'; readonly server: 'primary' | 'resolver'; readonly name: string; readonly type: string };

export type Timeline = Happening[];

/**
 * What DNS went through, the same told once in a row: changes, and waits for them. Only the wait asks for TXT; by NS and
 * CNAME dns01 finds out where to write and whom to ask.
 */
export function phases(timeline: readonly Happening[]): string[] {
  return timeline
    .filter((one) => one.kind !== 'asked' || one.type === 'TXT')
    .map(({ kind }) => (kind === 'asked' ? 'awaited' : kind))
    .filter((phase, index, all) => phase !== all[index - 1]);
}

/** The values that were published, in order. */
export function published(timeline: readonly Happening[]): { name: string; value: string }[] {
  return timeline.flatMap((one) => (one.kind === 'published' ? [{ name: one.name, value: one.value }] : []));
}

/** The name of each value that was published, sorted. */
export function publishedNames(timeline: readonly Happening[]): string[] {
  return published(timeline)
    .map(({ name }) => name)
    .sort();
}

/** The names whose values were waited for, sorted. */
export function awaitedNames(timeline: readonly Happening[]): string[] {
  const asked = timeline.flatMap((one) =>
    one.kind === 'asked' && one.server === 'primary' && one.type === 'TXT' ? [one.name] : [],
  );
  return [...new Set(asked)].sort();
}

/** What the caching resolver was asked, as `NAME TYPE`, each once. */
export function resolved(timeline: readonly Happening[]): string[] {
  const asked = timeline.flatMap((one) =>
    one.kind === 'asked' && one.server === 'resolver' ? [`${one.name} ${one.type}`] : [],
  );
  return [...new Set(asked)];
}
