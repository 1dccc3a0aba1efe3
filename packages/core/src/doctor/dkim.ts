import { createPublicKey, type KeyObject } from 'node:crypto';
import type { DnsView } from './dns-view.ts';
import { domainOf, organizationalDomainOf } from './domain.ts';
import { type Finding, found, ok } from './finding.ts';
import type { Sender } from './sender.ts';
import { readTagList } from './tag-list.ts';

export interface DkimResult {
  readonly findings: readonly Finding[];
  /** Domains (`d=`) with a key that receivers can use; undefined where it is not known. */
  readonly usableDomains: readonly string[] | undefined;
}

/** Tried where no selector is configured and the service has none that it usually asks for. */
const commonSelectors = ['default', 'dkim', 'mail', 's1', 'selector1', 'google'];

/** RFC 8301, 3.2: verifiers take no key below 1024 bits, signers should use 2048. */
const rsaBitsMin = 1024;
const rsaBitsWanted = 2048;

const why =
  'The signature proves that the mail is yours and unchanged; Gmail, Yahoo and Outlook refuse or hide unsigned mail.';

interface KeyName {
  /** The whole name of the record. */
  readonly name: string;
  /** `d=` of the signature. */
  readonly domain: string;
}

type KeyJudgement =
  | { readonly kind: 'absent' }
  | { readonly kind: 'usable'; readonly about: string }
  | {
      readonly kind: 'weak' | 'broken';
      readonly what: string;
      readonly why: string;
      readonly doThis: string;
    };

/** Examines the keys (RFC 6376, 3.6.1) under the selectors that mails may be signed with. */
export const checkDkim = (sender: Sender, dns: DnsView): DkimResult => {
  const isGuess = sender.dkimSelectors.length === 0;
  const keys = keyNames(sender).map((key) => ({ key, answer: dns.texts(key.name) }));
  const failed = keys.filter(({ answer }) => answer.kind === 'failed');
  const judged = keys.map(({ key, answer }) => ({
    key,
    judgement: answer.kind === 'found' ? judgeKey(answer.values) : ({ kind: 'absent' } as const),
  }));
  const present = judged.filter(({ judgement }) => judgement.kind !== 'absent');
  if (failed.length > 0 && (!isGuess || present.length === 0))
    return { findings: [notAnswered(failed.map(({ key }) => key.name))], usableDomains: undefined };
  if (isGuess && present.length === 0) return { findings: [noneFound(sender)], usableDomains: undefined };
  const findings = (isGuess ? present : judged).map(({ key, judgement }) =>
    findingOf(key, judgement, sender),
  );
  const usable = judged.filter(({ judgement: { kind } }) => kind === 'usable' || kind === 'weak');
  return { findings, usableDomains: [...new Set(usable.map(({ key }) => key.domain))] };
};

const keyNames = (sender: Sender): readonly KeyName[] => {
  const from = domainOf(sender.from ?? '');
  const usual = sender.service?.dkimSelectors ?? [];
  const selectors =
    sender.dkimSelectors.length > 0 ? sender.dkimSelectors : usual.length > 0 ? usual : commonSelectors;
  const guesses = [...new Set([sender.signingDomain ?? from, from, organizationalDomainOf(from)])];
  // A configured selector is meant for one domain; where it is not given whole, the one that signs.
  const domains = sender.dkimSelectors.length > 0 ? guesses.slice(0, 1) : guesses;
  return selectors.flatMap((selector) => {
    const at = selector.indexOf('._domainkey.');
    return at === -1
      ? domains.map((domain) => ({ name: `${selector}._domainkey.${domain}`, domain }))
      : [{ name: selector, domain: selector.slice(at + '._domainkey.'.length) }];
  });
};

const notAnswered = (names: readonly string[]): Finding =>
  found('dkim', 'unknown', {
    what: `The DNS did not answer for ${names.slice(0, 3).join(', ')}`,
    why,
    doThis: 'Run this again; if it stays so, the name servers of that domain are at fault.',
  });

const keyRecord = (name: string) =>
  ({
    type: 'TXT',
    name,
    value: 'v=DKIM1; k=rsa; p=<the key that your provider shows for this domain>',
  }) as const;

const noneFound = (sender: Sender): Finding => {
  const from = domainOf(sender.from ?? '');
  const title = sender.service?.title ?? 'your provider';
  const [usual] = sender.service?.dkimSelectors ?? [];
  return found('dkim', usual === undefined ? 'unknown' : 'error', {
    what: `No DKIM key was found for ${from} under the usual selectors`,
    why,
    doThis: `Take the record that ${title} shows for this domain. If it is published already, say its selector in DKIM_SELECTORS (or --dkim-selector).`,
    ...(usual !== undefined && { record: keyRecord(`${usual}._domainkey.${sender.signingDomain ?? from}`) }),
  });
};

const findingOf = ({ name }: KeyName, judgement: KeyJudgement, sender: Sender): Finding => {
  switch (judgement.kind) {
    case 'usable':
      return ok('dkim', `${name} has ${judgement.about}`);
    case 'absent':
      return found('dkim', 'error', {
        what: `${name} has no DKIM key`,
        why,
        doThis: `Publish the record that ${sender.service?.title ?? 'your provider'} shows for it.`,
        record: keyRecord(name),
      });
    case 'weak':
    case 'broken':
      return found('dkim', judgement.kind === 'weak' ? 'warning' : 'error', {
        what: `${name} ${judgement.what}`,
        why: judgement.why,
        doThis: judgement.doThis,
      });
  }
};

const newKey = 'Make a new key at your provider and publish the record that it shows.';

/** Judges what stands at one selector. A text without `p=` is no key: wildcards answer there too. */
const judgeKey = (texts: readonly string[]): KeyJudgement => {
  const candidates = texts.map(readTagList).filter((tags) => tags !== null && tags.has('p'));
  const [tags] = candidates;
  if (tags === undefined || tags === null) return { kind: 'absent' };
  if (candidates.length > 1)
    return {
      kind: 'broken',
      what: 'has more than one key',
      why: 'Which of them a receiver takes is chance (RFC 6376, 3.6.2.2).',
      doThis: 'Leave the one that your provider shows.',
    };
  if (tags.get('p')?.replace(/\s/g, '') === '')
    return {
      kind: 'broken',
      what: 'is revoked (p= is empty)',
      why: 'Every signature of it fails.',
      doThis: newKey,
    };
  return flagsOf(tags) ?? judgeMaterial(tags);
};

const flagsOf = (tags: ReadonlyMap<string, string>): KeyJudgement | undefined => {
  const list = (tag: string): readonly string[] | undefined =>
    tags
      .get(tag)
      ?.toLowerCase()
      .split(':')
      .map((word) => word.trim());
  const version = tags.get('v');
  if (version !== undefined && (version !== 'DKIM1' || [...tags.keys()][0] !== 'v'))
    return {
      kind: 'broken',
      what: 'does not begin with v=DKIM1',
      why: 'Receivers ignore a key of another version (RFC 6376, 3.6.1).',
      doThis: 'Publish the record exactly as your provider shows it.',
    };
  if (list('h')?.includes('sha256') === false)
    return {
      kind: 'broken',
      what: 'does not allow SHA-256',
      why: 'Signatures with SHA-1 are not taken any more (RFC 8301, 3.1).',
      doThis: 'Take h= out of the record.',
    };
  const services = list('s');
  if (services !== undefined && !services.includes('*') && !services.includes('email'))
    return {
      kind: 'broken',
      what: 'is not for mail (s=)',
      why: 'Receivers ignore it.',
      doThis: 'Take s= out of the record.',
    };
  if (list('t')?.includes('y') === true)
    return {
      kind: 'weak',
      what: 'says that it is only tested (t=y)',
      why: 'Receivers may treat signed mail as unsigned (RFC 6376, 3.6.1).',
      doThis: 'Take t=y out of the record.',
    };
  return undefined;
};

const judgeMaterial = (tags: ReadonlyMap<string, string>): KeyJudgement => {
  const type = tags.get('k')?.toLowerCase() ?? 'rsa';
  const material = tags.get('p')?.replace(/\s/g, '') ?? '';
  const bytes = /^[A-Za-z0-9+/]+={0,2}$/.test(material) ? Buffer.from(material, 'base64') : undefined;
  const unreadable: KeyJudgement = {
    kind: 'broken',
    what: 'holds a key that cannot be read',
    why: 'Every signature of it fails; often a part was lost when it was pasted.',
    doThis: 'Publish the record exactly as your provider shows it.',
  };
  if (type === 'ed25519')
    return bytes?.length === 32
      ? {
          kind: 'weak',
          what: 'has an Ed25519 key',
          why: 'Some large receivers cannot check it yet and see the mail as unsigned (RFC 8463).',
          doThis: 'Sign with an RSA key besides.',
        }
      : unreadable;
  if (type !== 'rsa') return unreadable;
  const bits = bytes && rsaBits(bytes);
  if (bits === undefined) return unreadable;
  if (bits >= rsaBitsWanted) return { kind: 'usable', about: `an RSA key of ${bits} bits` };
  return bits < rsaBitsMin
    ? {
        kind: 'broken',
        what: `has a key of ${bits} bits`,
        why: 'Receivers refuse keys below 1024 bits (RFC 8301, 3.2).',
        doThis: newKey,
      }
    : {
        kind: 'weak',
        what: `has a key of ${bits} bits`,
        why: 'Receivers still take it, but 2048 bits are asked for (RFC 8301, 3.2).',
        doThis: newKey,
      };
};

/** Length of an RSA key: SubjectPublicKeyInfo, or the bare RSAPublicKey of RFC 6376, 3.6.1. */
const rsaBits = (bytes: Buffer): number | undefined => {
  for (const type of ['spki', 'pkcs1'] as const) {
    const key = readKey(bytes, type);
    if (key?.asymmetricKeyType === 'rsa') return key.asymmetricKeyDetails?.modulusLength;
  }
  return undefined;
};

const readKey = (bytes: Buffer, type: 'spki' | 'pkcs1'): KeyObject | undefined => {
  try {
    return createPublicKey({ key: bytes, format: 'der', type });
  } catch {
    return undefined;
  }
};
