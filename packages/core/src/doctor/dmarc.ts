import type { DkimResult } from './dkim.ts';
import type { DnsView } from './dns-view.ts';
import { domainOf, isAligned, organizationalDomainOf } from './domain.ts';
import { type DnsRecord, type Finding, found, ok } from './finding.ts';
import type { Sender } from './sender.ts';
import type { SpfResult } from './spf.ts';
import { readTagList } from './tag-list.ts';

const policies = ['none', 'quarantine', 'reject'] as const;
type Policy = (typeof policies)[number];

interface DmarcRecord {
  readonly domain: string;
  readonly text: string;
  /** For the domain of From: `sp` where the record is its organization's. */
  readonly policy: Policy;
  readonly percent: number;
  readonly dkimMode: 'strict' | 'relaxed';
  readonly spfMode: 'strict' | 'relaxed';
  readonly reportTo: readonly string[];
}

type Read =
  | { readonly kind: 'record'; readonly record: DmarcRecord }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly name: string }
  | { readonly kind: 'several' | 'broken'; readonly domain: string; readonly count: number };

const why =
  'It tells receivers what to do with mail that forges your domain, and who writes in your name; Gmail and Yahoo ask for it.';

/** Examines the DMARC policy (RFC 7489) for From, and whether SPF or DKIM speak for the same domain. */
export const checkDmarc = (
  sender: Sender,
  dns: DnsView,
  proofs: { readonly spf: SpfResult; readonly dkim: DkimResult },
): readonly Finding[] => {
  const from = domainOf(sender.from ?? '');
  const read = readPolicy(from, dns);
  const record = read.kind === 'record' ? read.record : undefined;
  const alignment = checkAlignment(from, record, proofs);
  const ofPolicy =
    read.kind === 'record'
      ? [...policyFindings(read.record, from), ...reportFindings(read.record, dns)]
      : [faultOf(read, from)];
  const findings = [...ofPolicy, ...alignment].filter((one) => one !== undefined);
  return findings.length > 0 || record === undefined
    ? findings
    : [
        ok(
          'dmarc',
          `${record.domain} asks receivers to ${verbs[record.policy]} mail that is not proved yours`,
        ),
      ];
};

const verbs = { none: 'let pass', quarantine: 'put aside', reject: 'refuse' } as const satisfies Record<
  Policy,
  string
>;

/** At the domain of From, else at its organizational domain (RFC 7489, 6.6.3). */
const readPolicy = (from: string, dns: DnsView): Read => {
  for (const domain of new Set([from, organizationalDomainOf(from)])) {
    const name = `_dmarc.${domain}`;
    const answer = dns.texts(name);
    if (answer.kind === 'failed') return { kind: 'failed', name };
    const texts =
      answer.kind === 'found' ? answer.values.filter((text) => /^v\s*=\s*DMARC1\s*(;|$)/.test(text)) : [];
    const [text] = texts;
    if (text === undefined) continue;
    if (texts.length > 1) return { kind: 'several', domain, count: texts.length };
    const record = recordOf(text, domain, domain === from);
    return record === undefined ? { kind: 'broken', domain, count: 1 } : { kind: 'record', record };
  }
  return { kind: 'none' };
};

const recordOf = (text: string, domain: string, isOwn: boolean): DmarcRecord | undefined => {
  const tags = readTagList(text);
  if (tags === null) return undefined;
  const word = (tag: string): string | undefined => tags.get(tag)?.trim().toLowerCase();
  const policy = policies.find((one) => one === ((isOwn ? undefined : word('sp')) ?? word('p')));
  if (policy === undefined || policies.every((one) => one !== word('p'))) return undefined;
  const percent = Number(word('pct') ?? '100');
  return {
    domain,
    text,
    policy,
    percent: Number.isInteger(percent) && percent >= 0 && percent <= 100 ? percent : 100,
    dkimMode: word('adkim') === 's' ? 'strict' : 'relaxed',
    spfMode: word('aspf') === 's' ? 'strict' : 'relaxed',
    reportTo: (tags.get('rua') ?? '').split(',').flatMap((uri) => {
      const address = /^\s*mailto:([^!\s]+@[^!\s]+?)(?:!\d+[kmgt]?)?\s*$/i.exec(uri)?.[1];
      return address === undefined ? [] : [address];
    }),
  };
};

const firstRecord = (domain: string): DnsRecord => ({
  type: 'TXT',
  name: `_dmarc.${domain}`,
  value: `v=DMARC1; p=none; rua=mailto:dmarc@${domain}`,
});

const faultOf = (read: Exclude<Read, { kind: 'record' }>, from: string): Finding => {
  const organization = organizationalDomainOf(from);
  switch (read.kind) {
    case 'failed':
      return found('dmarc', 'unknown', {
        what: `The DNS did not answer for ${read.name}`,
        why,
        doThis: 'Run this again; if it stays so, the name servers of that domain are at fault.',
      });
    case 'none':
      return found('dmarc', 'error', {
        what: `${from} has no DMARC record${organization === from ? '' : `, nor has ${organization}`}`,
        why,
        doThis:
          'Publish this, with an address that exists, and read the reports for some weeks; then raise p to quarantine.',
        record: firstRecord(organization),
      });
    case 'several':
      return found('dmarc', 'error', {
        what: `_dmarc.${read.domain} has ${read.count} records`,
        why: 'With more than one, receivers use none (RFC 7489, 6.6.3).',
        doThis: 'Remove them all and publish this one.',
        record: firstRecord(read.domain),
      });
    case 'broken':
      return found('dmarc', 'error', {
        what: `The record at _dmarc.${read.domain} cannot be read or has no valid p=`,
        why: 'Receivers treat it as if it were not there (RFC 7489, 6.6.3).',
        doThis: 'Publish this in its place.',
        record: firstRecord(read.domain),
      });
  }
};

const policyFindings = (record: DmarcRecord, from: string): readonly (Finding | undefined)[] => {
  const { domain, policy, percent } = record;
  // A subdomain without a record of its own has what `sp` says, and `p` where there is no `sp`.
  const tag = domain !== from && readTagList(record.text)?.has('sp') === true ? 'sp' : 'p';
  const raised = raisedText(record.text, tag);
  return [
    policy === 'none'
      ? found('dmarc', 'warning', {
          what: `_dmarc.${domain} only watches (${tag}=none)`,
          why: 'Anybody can still write a mail in your name that arrives.',
          doThis:
            'Once the reports show that all your own mail passes, raise it to quarantine, later to reject.',
          record: { type: 'TXT', name: `_dmarc.${domain}`, value: raised },
        })
      : undefined,
    percent < 100 && policy !== 'none'
      ? found('dmarc', 'warning', {
          what: `_dmarc.${domain} covers ${percent} % of forged mail (pct)`,
          why: 'The rest arrives; newer receivers ignore pct.',
          doThis: 'Take pct out.',
        })
      : undefined,
    record.reportTo.length === 0
      ? found('dmarc', 'warning', {
          what: `_dmarc.${domain} names nobody who gets the reports (rua)`,
          why: 'You never learn whether your own mail passes, or who forges it.',
          doThis: 'Add an address that exists.',
          record: { type: 'TXT', name: `_dmarc.${domain}`, value: withReports(record) },
        })
      : undefined,
  ];
};

const raisedText = (text: string, tag: string): string => {
  const tags = [...(readTagList(text) ?? [])].filter(([name]) => name !== tag);
  const at = tags.findIndex(([name]) => name === (tag === 'p' ? 'v' : 'p')) + 1;
  return tags
    .toSpliced(at, 0, [tag, 'quarantine'])
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
};

const withReports = ({ text, domain }: DmarcRecord): string => {
  const tags = [...(readTagList(text) ?? [])].filter(([name]) => name !== 'rua');
  return [...tags, ['rua', `mailto:dmarc@${domain}`]].map(([name, value]) => `${name}=${value}`).join('; ');
};

/** Reports to another organization are sent only where that one has agreed (RFC 7489, 7.1). */
const reportFindings = (record: DmarcRecord, dns: DnsView): readonly (Finding | undefined)[] =>
  record.reportTo.map((address) => {
    const theirs = domainOf(address);
    if (isAligned(theirs, record.domain, 'relaxed')) return undefined;
    const name = `${record.domain}._report._dmarc.${theirs}`;
    const answer = dns.texts(name);
    if (
      answer.kind !== 'missing' &&
      !(answer.kind === 'found' && !answer.values.some((text) => text.startsWith('v=DMARC1')))
    )
      return undefined;
    return found('dmarc', 'warning', {
      what: `${theirs} has not agreed to get the DMARC reports of ${record.domain}`,
      why: 'Receivers then send them to nobody (RFC 7489, 7.1).',
      doThis: `Have ${theirs} publish this, or name an address of your own in rua.`,
      record: { type: 'TXT', name, value: 'v=DMARC1' },
    });
  });

/** DMARC passes when SPF or DKIM passes for a domain that fits From (RFC 7489, 3.1). */
const checkAlignment = (
  from: string,
  record: DmarcRecord | undefined,
  { spf, dkim }: { readonly spf: SpfResult; readonly dkim: DkimResult },
): readonly Finding[] => {
  const isSpfAligned =
    spf.isUsable === true &&
    spf.domain !== undefined &&
    isAligned(spf.domain, from, record?.spfMode ?? 'relaxed');
  const dkimMode = record?.dkimMode ?? 'relaxed';
  const isDkimAligned = dkim.usableDomains?.some((domain) => isAligned(domain, from, dkimMode)) === true;
  if (isDkimAligned) return [];
  const isUnknown = dkim.usableDomains === undefined;
  if (isSpfAligned)
    return isUnknown
      ? []
      : [
          found('dmarc', 'warning', {
            what: `Only SPF speaks for ${from}; no DKIM key of it was found`,
            why: 'Mail that is forwarded loses SPF, and then nothing proves that it is yours.',
            doThis: `Have your provider sign as ${from} and publish its key.`,
          }),
        ];
  if (isUnknown) return [];
  return [
    found('dmarc', 'error', {
      what: `Neither SPF nor DKIM speaks for ${from}, the domain of From`,
      why: 'Every mail of yours fails DMARC, so it counts as forged.',
      doThis: `Have your provider sign as ${from} (adkim=${dkimMode === 'strict' ? 's' : 'r'}), or let bounces go to an address of that domain.`,
    }),
  ];
};
