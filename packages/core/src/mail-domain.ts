/**
 * Large public mail services, each under the name of one domain with all that it serves. Millions share each, so
 * the name says nothing about who somebody is; every other domain is `other`.
 */
const services = {
  'gmail.com': ['googlemail.com'],
  'outlook.com': [
    'hotmail.com',
    'hotmail.co.uk',
    'hotmail.de',
    'hotmail.es',
    'hotmail.fr',
    'hotmail.it',
    'live.com',
    'live.co.uk',
    'live.fr',
    'live.nl',
    'msn.com',
    'outlook.de',
    'outlook.es',
    'outlook.fr',
  ],
  'yahoo.com': [
    'aol.com',
    'rocketmail.com',
    'yahoo.ca',
    'yahoo.co.in',
    'yahoo.co.uk',
    'yahoo.com.br',
    'yahoo.de',
    'yahoo.es',
    'yahoo.fr',
    'yahoo.it',
    'ymail.com',
  ],
  'yahoo.co.jp': [],
  'icloud.com': ['mac.com', 'me.com'],
  'proton.me': ['pm.me', 'protonmail.ch', 'protonmail.com'],
  'gmx.net': ['gmx.at', 'gmx.ch', 'gmx.com', 'gmx.de', 'web.de', 'mail.com'],
  't-online.de': [],
  'orange.fr': ['wanadoo.fr'],
  'free.fr': [],
  'laposte.net': [],
  'libero.it': [],
  'wp.pl': ['o2.pl'],
  'seznam.cz': [],
  'mail.ru': ['bk.ru', 'inbox.ru', 'list.ru'],
  'yandex.ru': ['ya.ru', 'yandex.com'],
  'qq.com': ['foxmail.com'],
  '163.com': ['126.com'],
  'naver.com': [],
  'comcast.net': [],
  'uol.com.br': ['bol.com.br'],
} as const satisfies Record<string, readonly string[]>;

const classOf: ReadonlyMap<string, string> = new Map(
  Object.entries(services).flatMap(([name, also]) =>
    [name, ...also].map((domain): [string, string] => [domain, name]),
  ),
);

/** Every class there is: the values of a metric's label and of a column. */
export const recipientDomains: readonly string[] = [...Object.keys(services), 'other'];

/** The class of an address as it goes on the wire (its domain in ASCII). */
export const recipientDomainOf = (address: string): string =>
  classOf.get(address.slice(address.lastIndexOf('@') + 1).toLowerCase()) ?? 'other';
