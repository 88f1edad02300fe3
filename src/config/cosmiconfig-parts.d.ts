// The package's own declaration of this file is empty: the class is marked as internal there.
declare module 'cosmiconfig/dist/ExplorerBase.js' {
  import type { LoaderSync } from 'cosmiconfig';

  interface ExplorerSettings {
    readonly moduleName: string;
    readonly searchPlaces: readonly string[];
    readonly loaders: Readonly<Record<string, LoaderSync>>;
    readonly [other: string]: unknown;
  }
  export const ExplorerBase: new (
    settings: ExplorerSettings,
  ) => {
    readonly config: ExplorerSettings;
    toCosmiconfigResult(
      file: string,
      content: unknown,
    ): { readonly config: unknown; readonly isEmpty?: boolean } | null;
  };
}
