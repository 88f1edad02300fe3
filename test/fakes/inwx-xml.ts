/** The XML-RPC that clients of INWX send and read: one struct of plain values, and answers with structs and lists in them. */

export interface MethodCall {
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

const plain = (text: string): string =>
  text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, name = '') =>
    code ? String.fromCodePoint(Number(code)) : (ENTITIES[name] ?? whole),
  );

/** A call. Values of every type become text. */
export function readCall(xml: string): MethodCall {
  const method = /<methodName>\s*([\w.]+)\s*<\/methodName>/.exec(xml)?.[1] ?? '';
  const members = xml.matchAll(
    /<member>\s*<name>([^<]*)<\/name>\s*<value>\s*(?:<(\w+)>([^<]*)<\/\2>|<\w+\s*\/>|([^<]*))\s*<\/value>\s*<\/member>/g,
  );
  return {
    method,
    params: Object.fromEntries([...members].map(([, name = '', , typed, bare]) => [name, plain(typed ?? bare ?? '')])),
  };
}

/** An answer, in one line as INWX writes it. */
export const writeAnswer = (value: unknown): string =>
  `<?xml version="1.0" encoding="UTF-8"?><methodResponse><params><param>${valueOfXml(value)}</param></params></methodResponse>`;

function valueOfXml(value: unknown): string {
  return `<value>${typed(value)}</value>`;
}

function typed(value: unknown): string {
  if (Array.isArray(value)) return `<array><data>${value.map(valueOfXml).join('')}</data></array>`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, each]) => each !== undefined);
    return `<struct>${members.map(([name, each]) => `<member><name>${name}</name>${valueOfXml(each)}</member>`).join('')}</struct>`;
  }
  if (typeof value === 'number') return Number.isInteger(value) ? `<int>${value}</int>` : `<double>${value}</double>`;
  return `<string>${String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</string>`;
}
