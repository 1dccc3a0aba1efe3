import { isIPv4, isIPv6 } from 'node:net';

export type Qualifier = '+' | '-' | '~' | '?';

export interface SpfMechanism {
  readonly qualifier: Qualifier;
  readonly name: 'all' | 'include' | 'a' | 'mx' | 'ptr' | 'ip4' | 'ip6' | 'exists';
  /** Its domain; undefined: the domain whose record it stands in. */
  readonly domain: string | undefined;
}

export interface SpfRecord {
  /** Up to and with `all`: what comes later is never looked at (RFC 7208, 5.1). */
  readonly mechanisms: readonly SpfMechanism[];
  /** Undefined also beside `all`, which makes it void (6.1). */
  readonly redirect: string | undefined;
  /** The terms as they were written, without the version. */
  readonly terms: readonly string[];
}

/** Whether a TXT record is one of SPF at all (RFC 7208, 4.5): the version, and nothing that continues it. */
export const isSpfText = (text: string): boolean => /^v=spf1(?: |$)/i.test(text);

// RFC 7208, 12: a macro-string of visible characters, `%` only in its four escapes.
const domainSpec = String.raw`(?:[!-$&-~]|%%|%_|%-|%\{[slodiphcrtv]\d{0,3}r?[.\-+,/_=]*\})+`;
const cidr = String.raw`(?:/(?:0|[1-9]\d?))?(?://(?:0|[1-9]\d{0,2}))?`;

const patterns: Readonly<Record<SpfMechanism['name'], RegExp>> = {
  all: /^all$/i,
  include: new RegExp(`^include:(${domainSpec})$`, 'i'),
  a: new RegExp(`^a(?::(${domainSpec}?))?${cidr}$`, 'i'),
  mx: new RegExp(`^mx(?::(${domainSpec}?))?${cidr}$`, 'i'),
  ptr: new RegExp(`^ptr(?::(${domainSpec}))?$`, 'i'),
  ip4: /^ip4:([\d.]+)(?:\/(\d{1,2}))?$/i,
  ip6: /^ip6:([\da-f:.]+)(?:\/(\d{1,3}))?$/i,
  exists: new RegExp(`^exists:(${domainSpec})$`, 'i'),
};

const modifier = new RegExp(`^([a-z][a-z0-9_.-]*)=(${domainSpec})?$`, 'i');
const names = Object.keys(patterns) as SpfMechanism['name'][];

/** Reads a record that `isSpfText`. A term that the grammar does not know is a permanent error for receivers. */
export const readSpfRecord = (text: string): SpfRecord | { readonly badTerm: string } => {
  const terms = text
    .slice('v=spf1'.length)
    .split(' ')
    .filter((term) => term !== '');
  const mechanisms: SpfMechanism[] = [];
  const modifiers = new Map<string, string>();
  for (const term of terms) {
    const mechanism = readMechanism(term);
    if (mechanism !== undefined) {
      mechanisms.push(mechanism);
      continue;
    }
    const match = modifier.exec(term);
    const name = match?.[1]?.toLowerCase();
    if (name === undefined) return { badTerm: term };
    const isKnown = name === 'redirect' || name === 'exp';
    // Each at most once (6), and with a domain.
    if (isKnown && (modifiers.has(name) || !hasDomainEnd(match?.[2]))) return { badTerm: term };
    modifiers.set(name, match?.[2] ?? '');
  }
  const all = mechanisms.findIndex(({ name }) => name === 'all');
  return {
    mechanisms: all === -1 ? mechanisms : mechanisms.slice(0, all + 1),
    redirect: all === -1 ? modifiers.get('redirect') : undefined,
    terms,
  };
};

const readMechanism = (term: string): SpfMechanism | undefined => {
  const qualifier = (/^[+\-~?]/.exec(term)?.[0] ?? '+') as Qualifier;
  const body = term.replace(/^[+\-~?]/, '');
  for (const name of names) {
    const match = patterns[name].exec(body);
    if (match === null) continue;
    if (name === 'ip4' || name === 'ip6')
      return isNetwork(name, match) ? { qualifier, name, domain: undefined } : undefined;
    const domain = match[1];
    return domain === undefined || hasDomainEnd(domain) ? { qualifier, name, domain } : undefined;
  }
  return undefined;
};

const isNetwork = (name: 'ip4' | 'ip6', [, address = '', bits = '0']: RegExpExecArray): boolean =>
  name === 'ip4' ? isIPv4(address) && Number(bits) <= 32 : isIPv6(address) && Number(bits) <= 128;

/** RFC 7208, 7.1: a domain ends in a dot and a label that is no number, or in a macro. */
const hasDomainEnd = (domain: string | undefined): boolean =>
  /(?:\.(?!\d+\.?$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.?|%\{[^}]*\})$/i.test(domain ?? '');
