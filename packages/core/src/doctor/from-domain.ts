import { domainOf, organizationalDomainOf } from './domain.ts';
import { type Finding, found, ok } from './finding.ts';
import type { Sender } from './sender.ts';

/** Where anybody gets a mailbox for nothing. Their DMARC policies have receivers refuse mail of other servers. */
const freeMailDomains: ReadonlySet<string> = new Set(
  `126.com 163.com aol.com att.net bluewin.ch comcast.net fastmail.com fastmail.fm free.fr freenet.de gmail.com
   googlemail.com hey.com hushmail.com icloud.com inbox.lv laposte.net libero.it mac.com mail.com mail.de mail.ru mailbox.org
   me.com msn.com naver.com orange.fr posteo.de proton.me protonmail.com qq.com rambler.ru rediffmail.com rocketmail.com
   seznam.cz sina.com t-online.de tuta.com tutanota.com uol.com.br web.de wp.pl yeah.net ymail.com zoho.com`.split(
    /\s+/,
  ),
);

/** Services that have a domain in many countries. */
const freeMailFamilies = /^(?:gmx|hotmail|live|outlook|yahoo|yandex)\./;

const isFreeMail = (domain: string): boolean => {
  const organization = organizationalDomainOf(domain);
  return freeMailDomains.has(organization) || freeMailFamilies.test(organization);
};

/** Names that no DNS on the internet knows (RFC 2606, RFC 6761, RFC 6762). */
const notPublic = /(?:^|\.)(?:localhost|local|internal|test|example|invalid|home\.arpa)$/;

/** Examines the domain that mail is written in the name of. */
export const checkFrom = (sender: Sender): Finding => {
  const from = domainOf(sender.from ?? '');
  if (sender.provider === 'none' || sender.provider === 'log')
    return found('sender', 'warning', {
      what: `EMAIL_PROVIDER=${sender.provider}: no mail leaves`,
      why: 'People who wait for a mail get none.',
      doThis: 'Set EMAIL_PROVIDER once you have one; what follows tells whether the domain is ready.',
    });
  if (isFreeMail(from))
    return found('sender', 'error', {
      what: `MAIL_FROM is at ${from}, where anybody can have a mailbox`,
      why: `Only the servers of ${from} may send for it; mail from yours is refused or goes to spam, and no record of yours can change that.`,
      doThis: 'Write from a domain of your own.',
    });
  if (!from.includes('.') || notPublic.test(from))
    return found('sender', 'error', {
      what: `MAIL_FROM is at ${from === '' ? 'no domain' : from}, which does not exist on the internet`,
      why: 'Receivers refuse mail from a domain that they cannot find.',
      doThis: 'Write from a domain of your own.',
    });
  return ok('sender', `Mail is written in the name of ${from}`);
};
