import { BlockList, isIP, isIPv4 } from 'node:net';
import { isLoopbackHost } from './redirect.ts';

/**
 * What is not the public internet (IANA's special-purpose registries), and what clouds keep for
 * themselves in public space. Of IPv6 only global unicast (2000::/3) is public at all, so mapped,
 * NAT64 (64:ff9b::/96), unique local, link-local, multicast and loopback need no line here.
 */
const notPublic: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Azure's metadata and DNS, in public space.
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  // Teredo, ORCHID and the other protocol assignments.
  ['2001::', 23],
  ['2001:db8::', 32],
  // 6to4 carries an IPv4 address.
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
];

const blocked = new BlockList();
for (const [address, bits] of notPublic) blocked.addSubnet(address, bits, isIPv4(address) ? 'ipv4' : 'ipv6');
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/** Whether an address, as a resolver gives it, belongs to the public internet. False for anything that is no address. */
export const isPublicAddress = (address: string): boolean => {
  if (address.includes('%')) return false;
  switch (isIP(address)) {
    case 4:
      return !blocked.check(address, 'ipv4');
    case 6:
      return globalUnicast.check(address, 'ipv6') && !blocked.check(address, 'ipv6');
    default:
      return false;
  }
};

const isLoopbackAddress = (address: string): boolean =>
  isIPv4(address) ? address.startsWith('127.') : address === '::1';

/** What an operator allows of the places that events go to. */
export interface EndpointRules {
  readonly ports: readonly number[];
  /** For a local machine: also http, and any port, to this machine itself. */
  readonly loopback: boolean;
}

/** Whether a connection may be made to a resolved address. */
export const mayConnectTo = (address: string, { loopback }: Pick<EndpointRules, 'loopback'>): boolean =>
  isPublicAddress(address) || (loopback && isLoopbackAddress(address));

export type EndpointRefusal = 'not_a_url' | 'scheme' | 'credentials' | 'fragment' | 'port' | 'address';

export type EndpointDecision =
  | { readonly allowed: true; readonly url: string }
  | { readonly allowed: false; readonly reason: EndpointRefusal };

const urlSizeMax = 2048;

/** The URL parser leaves brackets around an IPv6 address; a resolver wants none. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

/**
 * Judges where an operator wants events sent, as far as the text tells: the name is resolved later, and
 * what it resolves to is judged by `mayConnectTo`. The URL parser has turned every spelling of an IPv4
 * address (octal, hexadecimal, one number) into dots before.
 */
export const judgeEndpointUrl = (raw: string, rules: EndpointRules): EndpointDecision => {
  if (raw.length > urlSizeMax || /[\s\\]/.test(raw) || !URL.canParse(raw))
    return { allowed: false, reason: 'not_a_url' };
  const url = new URL(raw);
  const host = hostOf(url);
  const isThisMachine = rules.loopback && (isLoopbackHost(url.hostname) || isLoopbackAddress(host));
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isThisMachine))
    return { allowed: false, reason: 'scheme' };
  if (url.username !== '' || url.password !== '') return { allowed: false, reason: 'credentials' };
  if (url.hash !== '') return { allowed: false, reason: 'fragment' };
  const port = url.port === '' ? 443 : Number(url.port);
  if (!isThisMachine && !rules.ports.includes(port)) return { allowed: false, reason: 'port' };
  const isLiteral = isIP(host) !== 0;
  const isRefused = isLiteral ? !mayConnectTo(host, rules) : isLoopbackHost(host) && !isThisMachine;
  if (isRefused) return { allowed: false, reason: 'address' };
  return { allowed: true, url: url.href };
};

/** Reads `443,8443`. */
export const parsePorts = (text: string): readonly number[] | { readonly problem: string } => {
  const ports = text.split(',').map((part) => (/^\s*\d{1,5}\s*$/.test(part) ? Number(part) : Number.NaN));
  return ports.every((port) => port >= 1 && port <= 65_535)
    ? ports
    : { problem: 'must list ports like 443,8443' };
};
