/** One question to the DNS. `address` asks for A and AAAA records together. */
export interface DnsQuestion {
  readonly type: 'TXT' | 'MX' | 'address';
  /** Lower case, in ASCII, without a dot at the end. */
  readonly name: string;
}

export interface MailExchange {
  /** Empty in a null MX (RFC 7505). */
  readonly exchange: string;
  readonly preference: number;
}

/** `missing`: there is no such record; `nameExists` tells an empty answer from a name that does not exist. */
export type DnsAnswer<T> =
  | { readonly kind: 'found'; readonly values: readonly T[] }
  | { readonly kind: 'missing'; readonly nameExists: boolean }
  | { readonly kind: 'failed'; readonly reason: string };

/** Answers so far, by `questionKey`. The strings of one TXT record are joined (RFC 7208, 3.3). */
export interface DnsAnswers {
  readonly texts: ReadonlyMap<string, DnsAnswer<string>>;
  readonly exchanges: ReadonlyMap<string, DnsAnswer<MailExchange>>;
  readonly addresses: ReadonlyMap<string, DnsAnswer<string>>;
}

/** The DNS as the rules see it. */
export interface DnsView {
  readonly texts: (name: string) => DnsAnswer<string>;
  readonly exchanges: (name: string) => DnsAnswer<MailExchange>;
  readonly addresses: (name: string) => DnsAnswer<string>;
  /** What was asked and is not known yet: find it out, and judge again. */
  readonly open: () => readonly DnsQuestion[];
}

const notYet = { kind: 'failed', reason: 'not asked yet' } as const;

/**
 * A view of the answers that are known so far. The rules ask as they go (an SPF record names the next
 * one), so whoever gathers needs to know no rule: it answers what is open until nothing is.
 */
export const createDnsView = (answers: DnsAnswers): DnsView => {
  const open = new Map<string, DnsQuestion>();
  const look =
    <T>(type: DnsQuestion['type'], known: ReadonlyMap<string, DnsAnswer<T>>) =>
    (asked: string): DnsAnswer<T> => {
      const name = asked.toLowerCase().replace(/\.$/, '');
      if (!isName(name)) return { kind: 'missing', nameExists: false };
      const answer = known.get(name);
      if (answer !== undefined) return answer;
      open.set(`${type} ${name}`, { type, name });
      return notYet;
    };
  return {
    texts: look('TXT', answers.texts),
    exchanges: look('MX', answers.exchanges),
    addresses: look('address', answers.addresses),
    open: () => [...open.values()],
  };
};

/** What the DNS can be asked for (RFC 1035, 2.3.4: 63 octets of a label, 253 of the whole as text). */
const isName = (name: string): boolean =>
  name.length <= 253 && name.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label));
