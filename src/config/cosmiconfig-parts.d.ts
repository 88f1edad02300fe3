import type { PublicExplorerSync } from 'cosmiconfig';

// The package's own declaration of this file is empty: the class is marked as internal there.
declare module 'cosmiconfig/dist/ExplorerSync.js' {
  interface ExplorerSettings {
    readonly moduleName: string;
    readonly searchPlaces: readonly string[];
    readonly loaders: Readonly<Record<string, (path: string, text: string) => unknown>>;
    readonly transform: <Result>(result: Result) => Result;
    readonly [other: string]: unknown;
  }
  export const ExplorerSync: new (settings: ExplorerSettings) => PublicExplorerSync;
}
