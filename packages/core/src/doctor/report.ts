import { type BounceProbe, checkBounceAddress } from './bounce-address.ts';
import { checkClock, type ClockReading } from './clock.ts';
import { checkDkim } from './dkim.ts';
import { checkDmarc } from './dmarc.ts';
import type { DnsView } from './dns-view.ts';
import { domainOf } from './domain.ts';
import { checkNames, type Finding, found, type Severity } from './finding.ts';
import { checkFrom } from './from-domain.ts';
import { checkMx } from './mx.ts';
import type { Sender } from './sender.ts';
import { checkSettings } from './settings.ts';
import { checkSmtp, type SmtpFacts } from './smtp-tls.ts';
import { checkSpf } from './spf.ts';
import { checkTracking } from './tracking.ts';
import { checkWebhook } from './webhook.ts';

/** What was gathered besides the DNS. */
export interface Facts {
  readonly smtp: SmtpFacts;
  readonly bounce: BounceProbe;
  readonly clocks: readonly ClockReading[];
  /** Under which processes are connected to the database; undefined where it was not asked. */
  readonly processNames: readonly string[] | undefined;
  /** The settings are those of the API. */
  readonly isApi: boolean;
  readonly now: Date;
}

export interface Report {
  /** The domain of From; null where MAIL_FROM is not known. */
  readonly domain: string | null;
  readonly at: Date;
  /** The worst that was found; `unknown` only where nothing is known to be wrong. */
  readonly verdict: Severity;
  readonly findings: readonly Finding[];
}

const worstFirst: readonly Severity[] = ['error', 'warning', 'unknown', 'ok'];

/** What the DNS says of the sender. Ask it again while the view has questions open. */
export const judgeDns = (sender: Sender, dns: DnsView): readonly Finding[] => {
  if (sender.from === undefined)
    return [
      found('sender', 'unknown', {
        what: 'MAIL_FROM is not known here, so its domain was not examined',
        why: 'Receivers decide by the records of that domain whether they believe a mail.',
        doThis:
          'Run `npm run doctor` with the worker’s environment or with --domain, or give the API its MAIL_FROM.',
      }),
    ];
  const spf = checkSpf(sender, dns);
  const dkim = checkDkim(sender, dns);
  return [
    checkFrom(sender),
    ...spf.findings,
    ...dkim.findings,
    ...checkDmarc(sender, dns, { spf, dkim }),
    ...checkMx(sender, dns),
  ];
};

/** Judges everything that is known of a sender. */
export const judge = (sender: Sender, dns: DnsView, facts: Facts): Report => {
  const findings = [
    ...judgeDns(sender, dns),
    ...(sender.from === undefined ? [] : [checkBounceAddress(sender, facts.bounce)]),
    ...checkSmtp(sender, facts.smtp, facts.now),
    ...checkClock(sender, facts.clocks),
    ...checkWebhook(sender, facts.isApi),
    checkTracking(sender),
    ...(facts.processNames === undefined ? [] : [checkSettings(facts.processNames)]),
  ].toSorted((one, other) => checkNames.indexOf(one.check) - checkNames.indexOf(other.check));
  return {
    domain: sender.from === undefined ? null : domainOf(sender.from),
    at: facts.now,
    verdict: worstFirst.find((severity) => findings.some((one) => one.severity === severity)) ?? 'ok',
    findings,
  };
};
