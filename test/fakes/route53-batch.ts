export interface RecordSet {
  /** Without a dot at its end. */
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  /** TXT values are quoted. */
  readonly values: readonly string[];
  /** XML of further members, like `<SetIdentifier>`. */
  readonly extra?: string;
}

export interface Change {
  readonly action: string;
  readonly set: RecordSet;
}

/** The record sets after a change batch, and why Route 53 refuses the batch: then nothing is changed. */
export function batchFaults(
  zone: { readonly name: string; readonly sets: readonly RecordSet[] },
  changes: readonly Change[],
): { sets: RecordSet[]; messages: string[] } {
  let sets = [...zone.sets];
  const messages: string[] = [];
  let [records, characters] = [0, 0];
  for (const { action, set } of changes) {
    const weight = action === 'UPSERT' ? 2 : 1;
    records += weight * set.values.length;
    characters += weight * set.values.join('').length;
    const old = sets.find((each) => each.name === set.name && each.type === set.type);
    const about = `[name='${set.name}.', type='${set.type}']`;
    const problem = problemOf(zone.name, set, action, old, sets, about);
    if (problem !== undefined) messages.push(problem);
    else sets = [...sets.filter((each) => each !== old), ...(action === 'DELETE' ? [] : [set])];
  }
  if (records > 1000) messages.push('Number of records limit of 1000 exceeded.');
  if (characters > 32_000) messages.push('Number of characters limit of 32000 exceeded.');
  return { sets, messages };
}

function problemOf(
  zone: string,
  set: RecordSet,
  action: string,
  old: RecordSet | undefined,
  sets: readonly RecordSet[],
  about: string,
): string | undefined {
  const { name, type, ttl, values } = set;
  if (!['CREATE', 'DELETE', 'UPSERT'].includes(action)) return `Invalid action ${action}`;
  if (name !== zone && !name.endsWith(`.${zone}`)) {
    return `RRSet with DNS name ${name}. is not permitted in zone ${zone}.`;
  }
  if (!Number.isInteger(ttl) || ttl < 0 || ttl > 2_147_483_647 || values.length === 0) {
    return `Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none in Change with ${about}`;
  }
  const wrong = type === 'TXT' ? values.map(txtProblem).find((problem) => problem !== undefined) : undefined;
  if (wrong !== undefined) return wrong;
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) return `Duplicate Resource Record: '${twice}'`;
  if (action === 'DELETE') {
    if (!old) return `Tried to delete resource record set ${about} but it was not found`;
    const text = (each: RecordSet) => JSON.stringify([each.ttl, [...each.values].sort(), each.extra]);
    return text(old) === text(set)
      ? undefined
      : `Tried to delete resource record set ${about} but the values provided do not match the current values`;
  }
  if (action === 'CREATE' && old) return `Tried to create resource record set ${about} but it already exists`;
  if (sets.some((each) => each.name === name && each.type === 'CNAME' && type !== 'CNAME')) {
    return `RRSet of type ${type} with DNS name ${name}. is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone ${zone}.`;
  }
  return undefined;
}

/** "Supported DNS record types", TXT: strings in quotes, each of up to 255 characters, 4,000 in all. */
function txtProblem(value: string): string | undefined {
  const invalid = (problem: string) =>
    `Invalid Resource Record: 'FATAL problem: ${problem} encountered with '${value}''`;
  if (!/^"(?:[^"\\]|\\.)*"(?:\s+"(?:[^"\\]|\\.)*")*$/.test(value)) {
    return invalid('InvalidCharacterString (Value should be enclosed in quotation marks)');
  }
  const strings = [...value.matchAll(/"((?:[^"\\]|\\\d{3}|\\.)*)"/g)].map(([, string = '']) => string);
  if (strings.some((string) => string.replace(/\\(?:\d{3}|.)/g, 'x').length > 255)) {
    return invalid('CharacterStringTooLong (Value is too long)');
  }
  return strings.join('').length > 4000 ? invalid('TXTRDATATooLong (Value is too long)') : undefined;
}
