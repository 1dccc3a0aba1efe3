import type { DnsView } from './dns-view.ts';
import { isSpfText, type Qualifier, readSpfRecord, type SpfMechanism } from './spf-record.ts';

/** What makes a receiver answer `permerror`, which most of them take for "no SPF at all". */
export type SpfProblem =
  | { readonly kind: 'no_record'; readonly domain: string }
  | { readonly kind: 'several_records'; readonly domain: string; readonly texts: readonly string[] }
  | { readonly kind: 'bad_term'; readonly domain: string; readonly term: string }
  /** More than ten hosts behind one `mx` (RFC 7208, 4.6.4). */
  | { readonly kind: 'too_many_exchanges'; readonly domain: string };

export interface SpfWalk {
  /** Terms that cost a look-up (RFC 7208, 4.6.4), all of them: as for mail that nothing matches. */
  readonly lookups: number;
  /** True when counting was given up at `countMax`. */
  readonly isMore: boolean;
  /** Look-ups that found nothing. */
  readonly voids: number;
  /** Targets of `include:` and `redirect=` at any depth, in lower case. */
  readonly targets: ReadonlySet<string>;
  readonly problems: readonly SpfProblem[];
  /** What is said of everybody else: the qualifier of `all`, of a redirect's target where there is one. */
  readonly otherwise: Qualifier | undefined;
  readonly hasPtr: boolean;
  /** The record of the domain itself. */
  readonly text: string | undefined;
  /** Names that the DNS did not answer for: the count may be larger. */
  readonly unanswered: readonly string[];
}

export const lookupsMax = 10;
export const voidsMax = 2;

/** Where counting stops: an `include` of itself never ends, and three times too many is told well enough. */
const countMax = 30;
const exchangesMax = 10;

const costs: ReadonlySet<SpfMechanism['name']> = new Set(['include', 'a', 'mx', 'ptr', 'exists']);

/** Counts what evaluating a domain's SPF record costs a receiver, following every `include` and `redirect`. */
export const walkSpf = (domain: string, dns: DnsView): SpfWalk => {
  let [lookups, voids] = [0, 0];
  let [hasPtr, isMore] = [false, false];
  const targets = new Set<string>();
  const problems: SpfProblem[] = [];
  const unanswered: string[] = [];
  let text: string | undefined;

  /** One look-up more; false when there have been enough. */
  const count = (): boolean => {
    if (lookups >= countMax) isMore = true;
    else lookups += 1;
    return !isMore;
  };

  const recordOf = (name: string, isTop: boolean): ReturnType<typeof readSpfRecord> | undefined => {
    const answer = dns.texts(name);
    if (answer.kind === 'failed') {
      unanswered.push(name);
      return undefined;
    }
    if (answer.kind === 'missing' && !isTop) voids += 1;
    const records = answer.kind === 'found' ? answer.values.filter(isSpfText) : [];
    const [first] = records;
    if (isTop) text = first;
    if (first === undefined) problems.push({ kind: 'no_record', domain: name });
    else if (records.length > 1) problems.push({ kind: 'several_records', domain: name, texts: records });
    else return readSpfRecord(first);
    return undefined;
  };

  const walk = (name: string, isTop: boolean): Qualifier | undefined => {
    const record = recordOf(name, isTop);
    if (record === undefined) return undefined;
    if ('badTerm' in record) {
      problems.push({ kind: 'bad_term', domain: name, term: record.badTerm });
      return undefined;
    }
    for (const mechanism of record.mechanisms) {
      if (mechanism.name === 'all') return mechanism.qualifier;
      if (!costs.has(mechanism.name)) continue;
      if (!count()) return undefined;
      visit(mechanism, mechanism.domain?.toLowerCase() ?? name);
    }
    if (record.redirect === undefined || !count()) return undefined;
    const target = record.redirect.toLowerCase();
    targets.add(target);
    return hasMacro(target) ? undefined : walk(target, false);
  };

  const visit = (mechanism: SpfMechanism, target: string): void => {
    if (mechanism.name === 'ptr') hasPtr = true;
    if (mechanism.name === 'include') targets.add(target);
    // What a macro stands for depends on the mail, so it is counted and not followed.
    if (hasMacro(target)) return;
    if (mechanism.name === 'include') return void walk(target, false);
    if (mechanism.name === 'mx') return visitExchanges(target);
    if (mechanism.name === 'a' || mechanism.name === 'exists') noteAnswer(target, dns.addresses(target).kind);
  };

  const visitExchanges = (target: string): void => {
    const answer = dns.exchanges(target);
    noteAnswer(target, answer.kind);
    if (answer.kind === 'found' && answer.values.length > exchangesMax)
      problems.push({ kind: 'too_many_exchanges', domain: target });
  };

  const noteAnswer = (target: string, kind: 'found' | 'missing' | 'failed'): void => {
    if (kind === 'missing') voids += 1;
    if (kind === 'failed') unanswered.push(target);
  };

  const otherwise = walk(domain, true);
  return { lookups, isMore, voids, targets, problems, otherwise, hasPtr, text, unanswered };
};

const hasMacro = (domainSpec: string): boolean => domainSpec.includes('%');
