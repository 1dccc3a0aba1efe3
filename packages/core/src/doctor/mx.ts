import { isIP } from 'node:net';
import { isPublicAddress } from '../public-address.ts';
import type { DnsView, MailExchange } from './dns-view.ts';
import { domainOf } from './domain.ts';
import { type Advice, type Finding, found, ok, type Severity } from './finding.ts';
import type { Sender } from './sender.ts';
import { spfDomainOf } from './spf.ts';

interface Role {
  readonly domain: string;
  /** What the domain is to us, as in "…, the domain of From". */
  readonly what: string;
  readonly why: string;
}

/** Examines that every domain which people or servers answer to takes mail (RFC 5321, 5.1; RFC 7505). */
export const checkMx = (sender: Sender, dns: DnsView): readonly Finding[] => {
  const roles = rolesOf(sender);
  const findings = roles.flatMap((role) => checkRole(role, dns));
  return findings.length > 0
    ? findings
    : [
        ok(
          'mx',
          `${roles.map(({ domain }) => domain).join(' and ')} ${roles.length > 1 ? 'take' : 'takes'} mail`,
        ),
      ];
};

const rolesOf = (sender: Sender): readonly Role[] => {
  const roles: Role[] = [
    {
      domain: domainOf(sender.from ?? ''),
      what: 'the domain of From',
      why: 'Receivers refuse mail from a domain that cannot be answered, and answers of people are lost.',
    },
  ];
  if (sender.replyTo !== undefined)
    roles.push({
      domain: domainOf(sender.replyTo),
      what: 'the domain of Reply-To',
      why: 'Answers of people are lost.',
    });
  const bounceDomain = spfDomainOf(sender);
  // A service that takes bounces under our own name finds them without an MX record of ours.
  const isTheirs = sender.service?.takesBounces === true && sender.service.returnPath.kind !== 'subdomain';
  if (bounceDomain !== undefined && !isTheirs)
    roles.push({
      domain: bounceDomain,
      what: 'the domain of the bounces',
      why: 'Bounces are lost, so nobody learns that an address is dead, and receivers may refuse the mail.',
    });
  return roles.filter(({ domain }, index) => roles.findIndex((role) => role.domain === domain) === index);
};

const checkRole = (role: Role, dns: DnsView): readonly Finding[] => {
  const tell = (severity: Exclude<Severity, 'ok'>, advice: Omit<Advice, 'why'>): readonly Finding[] => [
    found('mx', severity, { ...advice, why: role.why }),
  ];
  const { domain } = role;
  const mxRecord = { type: 'MX', name: domain, value: '10 <the server that takes your mail>' } as const;
  const answer = dns.exchanges(domain);
  if (answer.kind === 'failed')
    return tell('unknown', {
      what: `The DNS did not answer for the MX of ${domain}`,
      doThis: 'Run this again.',
    });
  if (answer.kind === 'found') return checkExchanges(role, answer.values, dns, tell, mxRecord);
  const addresses = dns.addresses(domain);
  if (addresses.kind === 'failed')
    return tell('unknown', { what: `The DNS did not answer for ${domain}`, doThis: 'Run this again.' });
  if (addresses.kind === 'found')
    return tell('warning', {
      what: `${domain}, ${role.what}, has no MX record; mail goes to its web server`,
      doThis: 'Publish one, so that it is clear which server takes mail.',
      record: mxRecord,
    });
  return tell('error', {
    what: answer.nameExists
      ? `${domain}, ${role.what}, takes no mail: it has neither MX nor address`
      : `${domain}, ${role.what}, does not exist in the DNS`,
    doThis: 'Publish where its mail goes, or use a domain that takes mail.',
    record: mxRecord,
  });
};

const checkExchanges = (
  { domain, what }: Role,
  exchanges: readonly MailExchange[],
  dns: DnsView,
  tell: (severity: Exclude<Severity, 'ok'>, advice: Omit<Advice, 'why'>) => readonly Finding[],
  record: NonNullable<Advice['record']>,
): readonly Finding[] => {
  if (exchanges.some(({ exchange }) => exchange === '' || exchange === '.'))
    return tell('error', {
      what:
        exchanges.length === 1
          ? `${domain}, ${what}, says that it takes no mail (null MX)`
          : `${domain}, ${what}, has a null MX beside others`,
      doThis: 'Replace that record by this, or use a domain that takes mail.',
      record,
    });
  const numeric = exchanges.find(({ exchange }) => isIP(exchange) !== 0);
  if (numeric !== undefined)
    return tell('error', {
      what: `The MX of ${domain} is an address (${numeric.exchange}); it has to be a name`,
      doThis: 'Give that server a name and publish the name (RFC 5321, 5.1).',
      record,
    });
  const resolved = exchanges.map(({ exchange }) => ({ exchange, answer: dns.addresses(exchange) }));
  const dead = resolved.filter(
    ({ answer }) =>
      answer.kind === 'missing' || (answer.kind === 'found' && !answer.values.some(isPublicAddress)),
  );
  if (dead.length === 0) return [];
  return tell(dead.length === resolved.length ? 'error' : 'warning', {
    what: `${dead.map(({ exchange }) => exchange).join(', ')}, where mail for ${domain} goes, has no address on the internet`,
    doThis: 'Correct the MX record, or the address of that server.',
  });
};
