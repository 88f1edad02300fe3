import { readdirSync, readFileSync } from 'node:fs';
import { type Expression, type ObjectExpression, parseSync, Visitor } from 'oxc-parser';

/** A failure as the code words it; "…" is what a run puts in. */
export interface Message {
  readonly code: string;
  readonly text: string;
  readonly hint: string | undefined;
  /** The folder of providers/ that it comes from; undefined for dns01 itself. */
  readonly provider: string | undefined;
}

type Names = ReadonlyMap<string, Expression>;

/** Every failure whose text stands beside its code: `new Dns01Error('E_…', …)`, or `{ code: 'E_…', text, hint }`. */
export function readMessages(root: string): readonly Message[] {
  return ['src', 'providers'].flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => messagesOf(`${folder}/${name}`, readFileSync(`${root}${folder}/${name}`, 'utf8'))),
  );
}

export function messagesOf(file: string, source: string): readonly Message[] {
  const { program, errors } = parseSync(file, source);
  if (errors[0]) throw new Error(`${file}: ${errors[0].message}`);
  const provider = /^providers\/([^/]+)\//.exec(file)?.[1];
  const names = new Map<string, Expression>();
  const found: Message[] = [];
  const add = (code: string, texts: readonly string[], hints: readonly string[]) => {
    // Two texts with two hints are the two ways of one condition.
    const areTogether = texts.length === hints.length;
    for (const [index, text] of texts.entries())
      found.push({ code, text, hint: areTogether ? hints[index] : hints.join('; or: ') || undefined, provider });
  };
  const visitor = new Visitor({
    CallExpression: (call) => fromCall(call.arguments as readonly Expression[]),
    NewExpression: (call) => fromCall(call.arguments as readonly Expression[]),
    ObjectExpression: (object) => {
      const code = codeOf(propertyOf(object, 'code'));
      const text = propertyOf(object, 'text');
      if (code && text) add(code, textsOf(text, names), textsOf(propertyOf(object, 'hint'), names));
    },
  });
  new Visitor({
    VariableDeclarator: ({ id, init }) => {
      if (id.type === 'Identifier' && init) names.set(id.name, init);
    },
  }).visit(program);
  visitor.visit(program);
  return found;

  function fromCall(args: readonly Expression[]): void {
    const at = args.findIndex((each) => codeOf(each) !== undefined);
    const code = codeOf(args[at]);
    const details = args[at + 2];
    if (!code) return;
    const hint = details?.type === 'ObjectExpression' ? propertyOf(details, 'hint') : undefined;
    add(code, textsOf(args[at + 1], names), textsOf(hint, names));
  }
}

function codeOf(node: Expression | undefined): string | undefined {
  const value = node?.type === 'Literal' ? String(node.value) : '';
  return /^E_[A-Z]+$/.test(value) ? value : undefined;
}

function propertyOf(object: ObjectExpression, key: string): Expression | undefined {
  for (const property of object.properties) {
    if (property.type === 'Property' && property.key.type === 'Identifier' && property.key.name === key)
      return property.value;
  }
  return undefined;
}

/** What an expression can say: one text, or one for each way of a condition. None if it is not known before a run. */
function textsOf(node: Expression | undefined, names: Names): readonly string[] {
  const texts = waysOf(node, names).map((text) => text.replaceAll(/…(?: ?…)+/g, '…'));
  return [...new Set(texts)].filter((text) => /[a-z]{3}/i.test(text));
}

function waysOf(node: Expression | undefined, names: Names, depth = 0): readonly string[] {
  if (!node || depth > 3) return [];
  const inner = (each: Expression | undefined) => waysOf(each, names, depth + 1);
  switch (node.type) {
    case 'Literal':
      return typeof node.value === 'string' ? [node.value] : [];
    case 'TemplateLiteral':
      return node.quasis.reduce<readonly string[]>(
        (all, quasi, index) => {
          const value = index === 0 ? [''] : placed(node.expressions[index - 1]);
          return all.flatMap((before) => value.map((each) => before + each + (quasi.value.cooked ?? '')));
        },
        [''],
      );
    case 'ConditionalExpression':
      return [...inner(node.consequent), ...inner(node.alternate)];
    case 'LogicalExpression':
      return [...inner(node.left), ...inner(node.right)];
    case 'Identifier':
      return inner(names.get(node.name));
    case 'ParenthesizedExpression':
      return inner(node.expression);
    default:
      return [];
  }

  /** A word that is known is shown, anything else is "…". */
  function placed(each: Expression | undefined): readonly string[] {
    const ways = each?.type === 'ConditionalExpression' ? [] : inner(each);
    return ways.length === 1 && ways[0] !== '' ? ways : ['…'];
  }
}
