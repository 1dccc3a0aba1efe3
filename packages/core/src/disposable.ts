import { domainToASCII } from 'node:url';

/** What is done about addresses of services that give one to anybody for minutes. */
export const disposablePolicies = ['off', 'flag', 'refuse'] as const;

export type DisposablePolicy = (typeof disposablePolicies)[number];

/**
 * Services that forward to a person's real mailbox for as long as the person wants: whoever uses one can be
 * reached, so a packaged list never counts them, whatever it says.
 */
export const relayServices: ReadonlySet<string> = new Set([
  // Apple, Firefox, DuckDuckGo, Fastmail
  'privaterelay.appleid.com',
  'mozmail.com',
  'relay.firefox.com',
  'duck.com',
  'fastmail.com',
  // addy.io
  'addy.io',
  'anonaddy.com',
  'anonaddy.me',
  '4wrd.cc',
  'mailer.me',
  'addymail.com',
  // SimpleLogin and Proton Pass
  'simplelogin.com',
  'simplelogin.co',
  'simplelogin.fr',
  'aleeas.com',
  'slmail.me',
  'slmails.com',
  'silomails.com',
  '8alias.com',
  '8shield.net',
  'dralias.com',
  'passinbox.com',
  'passmail.com',
  'passmail.net',
  'passfwd.com',
  // Others
  'erine.email',
  '33mail.com',
  'spamgourmet.com',
]);

/** A domain as addresses have it (lower case, A-labels); undefined for anything that is none. */
const domainOf = (text: string): string | undefined => {
  const domain = domainToASCII(text.trim().replace(/^@/, ''));
  return /^([a-z0-9-]+\.)+[a-z0-9-]+$/.test(domain) ? domain : undefined;
};

const readDomains = (parts: readonly string[]): ReadonlySet<string> | { readonly problem: string } => {
  const domains = new Set<string>();
  for (const part of parts) {
    const domain = domainOf(part);
    if (domain === undefined) return { problem: `must list domains; ${part.trim().slice(0, 60)} is none` };
    domains.add(domain);
  }
  return domains;
};

/** Reads domains with commas between. */
export const parseDomains = (text: string): ReadonlySet<string> | { readonly problem: string } =>
  readDomains(text.split(',').filter((part) => part.trim() !== ''));

/** Reads a file of domains: one a line; empty lines and what follows a # say nothing. */
export const parseDomainFile = (text: string): ReadonlySet<string> | { readonly problem: string } =>
  readDomains(
    text
      .split('\n')
      .map((line) => line.replace(/#.*/, ''))
      .filter((line) => line.trim() !== ''),
  );

/** All that counts as disposable: a packaged list without relay services, and an operator's own as it is. */
export const disposableDomains = (
  packaged: readonly string[],
  own: ReadonlySet<string>,
): ReadonlySet<string> => {
  const listed = new Set(own);
  for (const domain of packaged) if (!isWithin(domain, relayServices)) listed.add(domain);
  return listed;
};

/** Whether a domain, or one that it belongs to, is among some: `a.mailinator.com` is mailinator's. */
const isWithin = (domain: string, domains: ReadonlySet<string>): boolean => {
  for (let rest = domain; rest.includes('.'); rest = rest.slice(rest.indexOf('.') + 1))
    if (domains.has(rest)) return true;
  return false;
};

/** Whether an address is of a disposable domain. What is allowed goes before every list. */
export const isDisposable = (
  address: string,
  listed: ReadonlySet<string>,
  allowed: ReadonlySet<string>,
): boolean => {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  return !isWithin(domain, allowed) && isWithin(domain, listed);
};
