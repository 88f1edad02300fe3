import { extname } from 'node:path';
import { ExplorerBase } from 'cosmiconfig/dist/ExplorerBase.js';
import { type Document, isMap, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { Dns01Error } from '../errors.ts';

/** A config file as data, with the line of each key. */
export interface ParsedConfig {
  readonly data: unknown;
  /** The line (from 1) of the key or item at the path, or of the nearest parent that exists. */
  lineOf(path: readonly PropertyKey[]): number;
}

/** More aliases than this are an attempt to fill the memory. */
const MAX_ALIASES = 100;

/**
 * Parses a config file: YAML or JSON, never code. cosmiconfig chooses the loader by the file's name. It never opens the
 * file itself, nor its own settings files.
 * @throws E_CONFIG with file and line, without the text around the mistake, because that may be a password
 */
export function parseConfig(file: string, text: string): ParsedConfig {
  const lines = new LineCounter();
  let document: Document | undefined;
  const load = (path: string, content: string): unknown => {
    document = parseDocument(content, { lineCounter: lines, prettyErrors: false });
    const [mistake] = document.errors;
    if (mistake) {
      const { line } = lines.linePos(mistake.pos[0]);
      throw new Dns01Error('E_CONFIG', `${path}:${line}: not valid YAML: ${firstLine(mistake.message)}`);
    }
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  };
  const explorer = new ExplorerBase({
    moduleName: 'dns01',
    searchPlaces: [],
    loaders: { '.yaml': load, '.yml': load, '.json': load, noExt: load },
    ignoreEmptySearchPlaces: false,
    cache: false,
    searchStrategy: 'none',
  });
  const loader = explorer.config.loaders[extname(file) || 'noExt'];
  if (!loader) {
    throw new Dns01Error('E_CONFIG', `${file}: a config is never code`, {
      hint: 'the config is YAML or JSON: name it .yaml, .yml or .json',
    });
  }
  const data = explorer.toCosmiconfigResult(file, loader(file, text))?.config ?? {};
  if (typeof data === 'object' && data !== null && '$import' in data) {
    throw new Dns01Error('E_CONFIG', `${file}: $import is not supported, keep everything in one file`);
  }
  return { data, lineOf: (path) => lines.linePos(offsetOf(document?.contents, path)).line };
}

const firstLine = (message: string): string => message.split('\n')[0] ?? '';

function offsetOf(contents: unknown, path: readonly PropertyKey[]): number {
  let node = contents;
  let offset = 0;
  for (const step of path) {
    const next = stepInto(node, step);
    if (!next) break;
    offset = next.offset;
    node = next.node;
  }
  return offset;
}

function stepInto(node: unknown, step: PropertyKey): { offset: number; node: unknown } | undefined {
  if (isMap(node)) {
    const pair = node.items.find((item) => String((item.key as { value?: unknown })?.value) === String(step));
    return pair && { offset: startOf(pair.key), node: pair.value };
  }
  if (isSeq(node)) {
    const item = node.items[Number(step)];
    return item === undefined ? undefined : { offset: startOf(item), node: item };
  }
  return undefined;
}

function startOf(node: unknown): number {
  return (node as Node | undefined)?.range?.[0] ?? 0;
}
