import { XMLParser } from 'fast-xml-parser';

/** A shape of an AWS service model (protocol rest-xml), as in the JSON of the AWS SDKs; without a type it is text. */
export interface AwsShape {
  readonly type?: string;
  readonly shape?: string;
  readonly required?: readonly string[];
  readonly members?: Readonly<Record<string, AwsShape>>;
  readonly member?: AwsShape;
  readonly locationName?: string;
  readonly location?: string;
}

interface Element {
  readonly name: string;
  readonly children: readonly Element[];
  readonly text: string;
}

const SCALARS: Readonly<Record<string, RegExp>> = {
  boolean: /^(?:true|false)$/,
  integer: /^-?\d{1,10}$/,
  long: /^-?\d{1,19}$/,
  timestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/,
};

/**
 * Checks an XML document against a shape of the model: no unknown or repeated members, none missing, scalars well-formed.
 * @throws with the place of the first fault
 */
export function checkAwsXml(xml: string, shape: AwsShape, shapes: Readonly<Record<string, AwsShape>>): void {
  const [root] = elementsOf(
    new XMLParser({ preserveOrder: true, parseTagValue: false, ignoreDeclaration: true }).parse(xml),
  );
  if (!root) throw new Error('there is no root element');
  check(root, { ...shape, type: 'structure' }, root.name);

  function check(element: Element, given: AwsShape, at: string): void {
    const { type = 'string', ...found } = given.shape ? { ...shapes[given.shape], ...given } : given;
    if (type === 'structure') checkStructure(element, found, at);
    else if (type === 'list') {
      const name = found.member?.locationName ?? 'member';
      for (const child of element.children) {
        if (child.name !== name) throw new Error(`${at}: ${child.name} where only ${name} is allowed`);
        check(child, found.member ?? {}, `${at}/${name}`);
      }
    } else if (element.children.length > 0 || !(SCALARS[type] ?? /^/).test(element.text)) {
      throw new Error(`${at}: "${element.text}" is no ${type}`);
    }
  }

  function checkStructure(element: Element, { members = {}, required = [] }: AwsShape, at: string): void {
    const inBody = Object.entries(members).filter(([, member]) => member.location === undefined);
    const names = new Map(inBody.map(([name, member]) => [member.locationName ?? name, { name, member }]));
    const seen = new Set<string>();
    for (const child of element.children) {
      const known = names.get(child.name);
      if (!known) throw new Error(`${at}: unknown member ${child.name}`);
      if (seen.has(known.name)) throw new Error(`${at}: ${child.name} twice`);
      seen.add(known.name);
      check(child, known.member, `${at}/${child.name}`);
    }
    const missing = required.find((name) => members[name]?.location === undefined && !seen.has(name));
    if (missing !== undefined) throw new Error(`${at}: no ${missing}`);
  }
}

function elementsOf(nodes: readonly Readonly<Record<string, unknown>>[]): Element[] {
  return nodes.flatMap((node) => {
    const name = Object.keys(node).find((key) => key !== ':@') ?? '#text';
    if (name === '#text') return [];
    const inner = node[name] as readonly Readonly<Record<string, unknown>>[];
    return [{ name, children: elementsOf(inner), text: inner.map((child) => child['#text'] ?? '').join('') }];
  });
}
