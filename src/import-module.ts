/** What V8 compiles ahead cannot import. Whatever has started it does that for it, under this name. */
export const IMPORTER = Symbol.for('dns01.import');

type Importer = (url: string) => Promise<{ readonly default?: unknown }>;

/** A module that is no part of dns01, by its `file:` URL. */
export function importModule(url: string): ReturnType<Importer> {
  const { [IMPORTER]: importer } = globalThis as { [IMPORTER]?: Importer };
  return importer ? importer(url) : import(url);
}
