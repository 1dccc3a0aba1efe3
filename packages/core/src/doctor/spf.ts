import { isIP } from 'node:net';
import { isPublicAddress } from '../public-address.ts';
import { isLoopbackHost } from '../redirect.ts';
import type { DnsView } from './dns-view.ts';
import { domainOf } from './domain.ts';
import { type DnsRecord, type Finding, found, ok, type Severity } from './finding.ts';
import type { MailService } from './mail-service.ts';
import type { Sender } from './sender.ts';
import { readSpfRecord } from './spf-record.ts';
import { lookupsMax, type SpfProblem, type SpfWalk, voidsMax, walkSpf } from './spf-walk.ts';

export interface SpfResult {
  readonly findings: readonly Finding[];
  /** The domain that SPF can pass for: of the bounces. Undefined where it is the service's own. */
  readonly domain: string | undefined;
  /** Undefined where the DNS did not say. */
  readonly isUsable: boolean | undefined;
}

const why =
  'Receivers look here whether the server that brings the mail may send for this domain; without it the mail is taken for forged and goes to spam or nowhere.';

/** The domain whose SPF record receivers read (RFC 7208, 2.4): of the address that bounces go to. */
export const spfDomainOf = (sender: Sender): string | undefined => {
  const fromDomain = domainOf(sender.from ?? '');
  const bounceDomain = domainOf(sender.bounceAddress ?? '');
  if (bounceDomain !== fromDomain) return bounceDomain;
  const returnPath = sender.service?.returnPath ?? { kind: 'ours' };
  switch (returnPath.kind) {
    case 'ours':
      return sender.signingDomain ?? bounceDomain;
    case 'subdomain':
      return `${returnPath.label}.${fromDomain}`;
    case 'theirs':
      return undefined;
  }
};

/** Examines the SPF record (RFC 7208) of the domain that bounces go to. */
export const checkSpf = (sender: Sender, dns: DnsView): SpfResult => {
  const domain = spfDomainOf(sender);
  if (domain === undefined) {
    const title = sender.service?.title ?? 'The provider';
    return {
      domain,
      isUsable: undefined,
      findings: [
        ok('spf', `${title} sends under an address of its own, whose SPF record is not yours to publish`),
      ],
    };
  }
  const walk = walkSpf(domain, dns);
  if (walk.unanswered.length > 0 && walk.problems.length === 0)
    return { domain, isUsable: undefined, findings: [notAnswered(walk.unanswered)] };
  const findings = [
    ...problemsOf(sender, domain, walk),
    ...costsOf(sender, domain, walk),
    ...limitsOf(sender, domain, walk),
  ];
  const isUsable = !findings.some(({ severity }) => severity === 'error') && namesService(sender, walk);
  const lookups = `${walk.lookups} of ${lookupsMax} DNS look-ups`;
  return {
    domain,
    isUsable,
    findings: findings.length > 0 ? findings : [ok('spf', `${domain} has one record, ${lookups}`)],
  };
};

const notAnswered = (names: readonly string[]): Finding =>
  found('spf', 'unknown', {
    what: `The DNS did not answer for ${names.slice(0, 3).join(', ')}`,
    why,
    doThis: 'Run this again; if it stays so, the name servers of that domain are at fault.',
  });

const problemsOf = (sender: Sender, domain: string, walk: SpfWalk): Finding[] =>
  walk.problems.map((problem) => found('spf', 'error', adviceOn(problem, sender, domain, walk)));

const adviceOn = (problem: SpfProblem, sender: Sender, domain: string, walk: SpfWalk) => {
  const isOwn = problem.domain === domain;
  switch (problem.kind) {
    case 'no_record':
      return isOwn
        ? {
            what: `${domain} has no SPF record`,
            why,
            doThis: 'Publish this.',
            record: startOf(sender, domain),
          }
        : {
            what: `${problem.domain}, which your SPF record includes, has none`,
            why: 'Receivers then reject your whole record (RFC 7208, 5.2).',
            doThis: `Take it out: publish your record without it.`,
            record: without(problem.domain, domain, walk, sender),
          };
    case 'several_records':
      return {
        what: `${problem.domain} has ${problem.texts.length} SPF records`,
        why: 'With more than one, receivers use none (RFC 7208, 4.5).',
        doThis: isOwn ? 'Remove them all and publish this one.' : `Tell whoever runs ${problem.domain}.`,
        record: isOwn ? recordWith(problem.texts, sender, domain) : undefined,
      };
    case 'bad_term':
      return {
        what: `The SPF record of ${problem.domain} has a term that is none: ${printable(problem.term)}`,
        why: 'Receivers reject the whole record for one mistake (RFC 7208, 4.6).',
        doThis: isOwn ? 'Publish it without the mistake.' : `Tell whoever runs ${problem.domain}.`,
        record: isOwn && walk.text !== undefined ? recordWith([walk.text], sender, domain) : undefined,
      };
    case 'too_many_exchanges':
      return {
        what: `The SPF record asks for the mail servers of ${problem.domain}, and these are more than ten`,
        why: 'Receivers reject the whole record then (RFC 7208, 4.6.4).',
        doThis: `Replace mx by the addresses of the servers that send, as ip4: and ip6:.`,
      };
  }
};

const costsOf = (sender: Sender, domain: string, walk: SpfWalk): Finding[] => {
  const findings: Finding[] = [];
  if (walk.lookups > lookupsMax)
    findings.push(
      found('spf', 'error', {
        what: `The SPF record of ${domain} costs ${walk.isMore ? 'more than ' : ''}${walk.lookups} DNS look-ups; ${lookupsMax} are allowed`,
        why: 'Receivers stop at the limit and reject the whole record (RFC 7208, 4.6.4).',
        doThis:
          'Remove every include that you no longer use, or send from a name below it that has a record of its own, such as this.',
        record: { ...startOf(sender, domain), name: `mail.${domain}` },
      }),
    );
  if (walk.voids > voidsMax)
    findings.push(
      found('spf', 'error', {
        what: `${walk.voids} names in the SPF record of ${domain} lead nowhere; ${voidsMax} are allowed`,
        why: 'Receivers reject the whole record then (RFC 7208, 4.6.4).',
        doThis: 'Take out what no longer exists.',
      }),
    );
  return findings;
};

const limitsOf = (sender: Sender, domain: string, walk: SpfWalk): Finding[] => {
  const { text, otherwise } = walk;
  if (text === undefined || walk.problems.length > 0) return [];
  const record = recordWith([text], sender, domain);
  const findings: Finding[] = [];
  if (!namesService(sender, walk)) findings.push(missingInclude(sender.service, domain, record));
  if (otherwise === '+')
    findings.push(
      found('spf', 'error', {
        what: `The SPF record of ${domain} ends in +all: everybody may send for it`,
        why: 'Anybody can write mails in your name that pass; receivers distrust such domains.',
        doThis: 'Publish this.',
        record,
      }),
    );
  if (otherwise === '?' || otherwise === undefined)
    findings.push(
      found('spf', 'warning', {
        what: `The SPF record of ${domain} says nothing of servers that it does not list`,
        why: 'Forged mail in your name is treated like your own.',
        doThis: 'End it in ~all.',
        record,
      }),
    );
  if (walk.hasPtr)
    findings.push(
      found('spf', 'warning', {
        what: `The SPF record of ${domain} uses ptr`,
        why: 'It is slow, and some receivers ignore or refuse it (RFC 7208, 5.5: do not use).',
        doThis: 'Replace it by the addresses that send, as ip4: and ip6:.',
      }),
    );
  return findings;
};

const namesService = ({ service }: Sender, { targets }: SpfWalk): boolean =>
  service === undefined || service.spfIncludes.some((name) => targets.has(name));

const missingInclude = (service: MailService | undefined, domain: string, record: DnsRecord): Finding => {
  const severity: Severity = service?.returnPath.kind === 'ours' ? 'error' : 'warning';
  return found('spf', severity, {
    what: `The SPF record of ${domain} does not name ${service?.title ?? 'the provider'}`,
    why,
    doThis: 'Publish this in its place.',
    record,
  });
};

/** The terms that this sender needs: its service, or the SMTP server by its name. */
const neededTerms = (sender: Sender): readonly string[] => {
  const [include] = sender.service?.spfIncludes ?? [];
  return [include === undefined ? termOfServer(sender.smtp?.host) : `include:${include}`];
};

const termOfServer = (host: string | undefined): string => {
  if (host === undefined) return 'mx';
  const family = isIP(host);
  if (family === 0 && host.includes('.') && !isLoopbackHost(host)) return `a:${host}`;
  // A relay of one's own: which address the internet sees is not known here.
  return isPublicAddress(host) ? `ip${family}:${host}` : 'ip4:<the address that your mail leaves from>';
};

const startOf = (sender: Sender, domain: string): DnsRecord => {
  const { service } = sender;
  const made = service?.returnPath.kind === 'subdomain' ? service.returnPath.record?.(domain) : undefined;
  return made ?? { type: 'TXT', name: domain, value: ['v=spf1', ...neededTerms(sender), '~all'].join(' ') };
};

/** One record of all that the given ones say, with what this sender needs and an end that is not open. */
const recordWith = (texts: readonly string[], sender: Sender, domain: string): DnsRecord => {
  const terms = texts.flatMap(termsOf);
  const isRedirected = terms.some((term) => /^redirect=/i.test(term));
  const end = terms.findLast((term) => /^[-~]all$/i.test(term)) ?? '~all';
  const kept = terms.filter((term) => !/^[+\-~?]?all$/i.test(term) && !/^redirect=/i.test(term));
  const redirects = isRedirected
    ? terms
        .filter((term) => /^redirect=/i.test(term))
        .map((term) => `include:${term.slice('redirect='.length)}`)
    : [];
  const known = sender.service?.spfIncludes ?? [];
  const isNamed = kept.some((term) => known.some((name) => term.toLowerCase().endsWith(`include:${name}`)));
  const needed = sender.service === undefined || isNamed ? [] : neededTerms(sender);
  const all = [...new Set([...kept, ...redirects, ...needed])];
  return { type: 'TXT', name: domain, value: ['v=spf1', ...all, end].join(' ') };
};

/** Terms that can be read; a mistake is left out. */
const termsOf = (text: string): readonly string[] =>
  text
    .split(' ')
    .slice(1)
    .filter((term) => term !== '' && !('badTerm' in readSpfRecord(`v=spf1 ${term}`)));

const without = (target: string, domain: string, walk: SpfWalk, sender: Sender): DnsRecord | undefined => {
  const { text } = walk;
  if (text === undefined) return undefined;
  const rest = text
    .split(' ')
    .filter(
      (term) => !term.toLowerCase().endsWith(`:${target}`) && !term.toLowerCase().endsWith(`=${target}`),
    );
  // What an included record includes cannot be taken out here.
  return rest.length === text.split(' ').length ? undefined : recordWith([rest.join(' ')], sender, domain);
};

/** A stranger's text in our report: short, and one line. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 60);
