import { BlockList, isIP, isIPv6 } from 'node:net';

/** Whether an IP address is in one of these networks; false for any other text. An IPv4 address inside an IPv6 one counts as itself. */
export type Networks = (address: string) => boolean;

/**
 * @param list networks in CIDR notation, or single addresses
 * @throws RangeError or TypeError for an entry that is neither; `onBad` may throw another error in its place
 */
export function openNetworks(list: readonly string[], onBad?: (text: string, cause: unknown) => never): Networks {
  const block = new BlockList();
  for (const text of list) {
    const [address = '', prefix] = text.split('/');
    const family = familyOf(address);
    try {
      block.addSubnet(address, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family);
    } catch (cause) {
      onBad?.(text, cause);
      throw cause;
    }
  }
  return (address) => isIP(address) !== 0 && block.check(address, familyOf(address));
}

const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');
