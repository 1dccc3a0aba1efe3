import { domainToASCII } from 'node:url';
import type { Destination } from './destination.ts';

export const accountStatuses = ['pending', 'active', 'suspended', 'past_due'] as const;

/** `past_due` has proved the address like `active`; only `pending` waits for a proof. */
export type AccountStatus = (typeof accountStatuses)[number];

/** The account as the rules see it. */
export interface Account {
  readonly id: string;
  readonly status: AccountStatus;
  /** As the person typed it: where mail goes. Null for an account that has a phone number only. */
  readonly email: string | null;
  /** In E.164. */
  readonly phone: string | null;
  readonly name: string | null;
  readonly locale: string | null;
  readonly redirectUrl: string | null;
}

/** How two spellings of one mailbox are told apart when an account is looked up. */
export type EmailIdentity = 'exact' | 'gmail';

export interface EmailAddress extends Destination {
  readonly channel: 'email';
}

/** RFC 5321, 4.5.3.1: at most 64 octets of local part and 254 of the whole path. */
const addressSizeBytesMax = 254;
const localPartSizeBytesMax = 64;

/** RFC 5322 dot-atom plus RFC 6532 non-ASCII letters; quoted local parts are refused on purpose. */
const localPartPattern =
  /^[\p{L}\p{N}\p{M}!#$%&'*+\-/=?^_`{|}~]+(\.[\p{L}\p{N}\p{M}!#$%&'*+\-/=?^_`{|}~]+)*$/u;

/**
 * A domain as it may be typed: letters, digits, hyphens and any of the four dots of UTS 46. The URL
 * parser behind `domainToASCII` takes more: it cuts at `/`, `?`, `#` and backslashes, decodes `%65` and drops
 * tabs, line breaks and soft hyphens, so that mail would go to another domain than the one typed.
 */
const typedDomainPattern = /^[\p{L}\p{N}\p{M}.\u3002\uff0e\uff61-]+$/u;

/**
 * Kelvin sign and Greek varia: NFC turns them into the ASCII letter K and a grave accent, and so into
 * another person's address. RFC 6532, 3.1 asks for NFC, so no mailbox is called like this.
 */
const becomesAscii = /[\u212a\u1fef]/;

const lineOrControl = /[\p{Cc}\p{Zl}\p{Zp}]/u;

const domainPattern =
  /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Is its own A-label form (UTS 46): no name to encode or decode, and no number that stands for an IPv4 address. */
const plainDomain = /^(?:[a-z0-9-]+\.)+[a-z]{2,}$/;

const domainOf = (typed: string): string =>
  plainDomain.test(typed) && !typed.includes('xn--') ? typed : domainToASCII(typed);

const gmailDomains = new Set(['gmail.com', 'googlemail.com']);

/** Lower-cases A to Z only: `\u212A` (Kelvin) or a dotless i must not become a letter of somebody else's address. */
const lowerAscii = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

const dropTag = (localPart: string): string => {
  const plus = localPart.indexOf('+');
  return plus > 0 ? localPart.slice(0, plus) : localPart;
};

const foldGmail = (localPart: string): string => dropTag(localPart).replaceAll('.', '');

/**
 * Reads one e-mail address, or says nothing was readable. Lists, display names, comments, quoted
 * local parts, address literals, control characters and line breaks are all refused. Never changes
 * where mail goes: folding is for look-up and limits only.
 */
export const parseEmailAddress = (
  raw: string,
  identity: EmailIdentity = 'exact',
): EmailAddress | undefined => {
  if (lineOrControl.test(raw)) return undefined;
  const text = raw.trim();
  const at = text.lastIndexOf('@');
  const typedLocalPart = text.slice(0, Math.max(0, at));
  const typedDomain = text.slice(at + 1);
  if (becomesAscii.test(typedLocalPart) || !typedDomainPattern.test(typedDomain)) return undefined;

  const localPart = typedLocalPart.normalize('NFC');
  if (Buffer.byteLength(localPart) > localPartSizeBytesMax) return undefined;
  if (!localPartPattern.test(localPart)) return undefined;

  const domain = domainOf(typedDomain);
  if (!domainPattern.test(domain) || /^[0-9.]+$/.test(domain)) return undefined;

  const address = `${localPart}@${domain}`;
  if (Buffer.byteLength(address) > addressSizeBytesMax) return undefined;

  const lower = lowerAscii(localPart);
  const isGmail = gmailDomains.has(domain);
  const lookupLocal = isGmail && identity === 'gmail' ? foldGmail(lower) : lower;
  // Compatibility forms are folded for limits only: ｆｕｌｌｗｉｄｔｈ variants of one name share one budget.
  const folded = lowerAscii(localPart.normalize('NFKC')).toLowerCase();
  const limitLocal = isGmail ? foldGmail(folded) : dropTag(folded);
  const limitDomain = isGmail ? 'gmail.com' : domain;
  return {
    channel: 'email',
    address,
    lookupForm: `${lookupLocal}@${isGmail && identity === 'gmail' ? 'gmail.com' : domain}`,
    limitForm: `${limitLocal}@${limitDomain}`,
  };
};
