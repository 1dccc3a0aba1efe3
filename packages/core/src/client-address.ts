import { BlockList, isIP, isIPv4 } from 'node:net';

/** How many leading bits of an IPv6 address name one client; a household or server gets a /64. */
export const ipv6PrefixBitsDefault = 64;

/** The eight groups of an IPv6 address without zone, `::` filled in, an embedded IPv4 tail as two groups. */
const ipv6Groups = (address: string): number[] => {
  const withoutZone = address.split('%', 1)[0] ?? '';
  const tail = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(withoutZone);
  const text =
    tail === null
      ? withoutZone
      : withoutZone.slice(0, tail.index) +
        [0, 2].map((i) => ((Number(tail[i + 1]) << 8) | Number(tail[i + 2])).toString(16)).join(':');
  const [head = '', rest] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = rest === undefined || rest === '' ? [] : rest.split(':');
  const zeros = rest === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array.from({ length: zeros }, () => '0'), ...right].map((g) => Number.parseInt(g, 16));
};

/**
 * The part of a client's address that shares one budget: an IPv4 address whole, an IPv6 address by
 * prefix (32 to 64 bits), an IPv4-mapped IPv6 address as its IPv4. Anything else is one bucket, `unknown`.
 */
export const clientPrefix = (address: string, prefixBits: number = ipv6PrefixBitsDefault): string => {
  if (isIPv4(address)) return address;
  if (isIP(address) !== 6) return 'unknown';
  const groups = ipv6Groups(address);
  const isMapped = groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff;
  if (isMapped) {
    const [high = 0, low = 0] = groups.slice(6);
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  }
  const kept = groups.map((group, index) => {
    const bits = Math.min(16, Math.max(0, prefixBits - index * 16));
    return group & (0xffff << (16 - bits)) & 0xffff;
  });
  return `${kept.map((g) => g.toString(16)).join(':')}/${prefixBits}`;
};

/** True for `10.0.0.0/8`, `::1/128` or a single address; a hop count or a name is not a range. */
export const isAddressRange = (text: string): boolean => {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  if (bits === undefined) return true;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
};

/** A predicate over addresses: is it inside one of the ranges? Throws on what `isAddressRange` refuses. */
export const addressRanges = (ranges: readonly string[]): ((address: string) => boolean) => {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
};
