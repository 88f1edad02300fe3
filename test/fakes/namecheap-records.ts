export interface NamecheapRecord {
  readonly hostId: number;
  readonly name: string;
  readonly type: string;
  readonly address: string;
  readonly mxPref: string;
  readonly ttl: string;
  readonly isDynamic?: boolean;
  readonly isActive?: boolean;
}

const TYPES = ['A', 'AAAA', 'ALIAS', 'CAA', 'CNAME', 'MX', 'MXE', 'NS', 'TXT', 'URL', 'URL301', 'FRAME'];

/** Why the API refuses a record. */
export function problemOf({ name, type, address, mxPref, ttl }: NamecheapRecord): string | undefined {
  // lego sent `_acme-challenge.` for ten years, and got certificates by that.
  if (!/^(?:@|\*|(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?)$/.test(name))
    return `Host name '${name}' is invalid`;
  if (!TYPES.includes(type)) return `Record type '${type}' is invalid`;
  if (address === '') return 'Address is required';
  if (!/^\d{1,5}$/.test(mxPref)) return 'MXPref is invalid';
  if (!/^\d+$/.test(ttl) || Number(ttl) < 60 || Number(ttl) > 60_000) return `TTL '${ttl}' is invalid`;
  return /^(?:URL|URL301|FRAME)$/.test(type) && !/^[a-z]+:\/\//.test(address) ? 'Address is no URL' : undefined;
}
