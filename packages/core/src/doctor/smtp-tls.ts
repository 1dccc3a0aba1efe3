import { isLoopbackHost } from '../redirect.ts';
import { type Advice, type Finding, found, ok } from './finding.ts';
import type { Sender, SmtpServer } from './sender.ts';

export interface TlsFacts {
  /** As TLS names it: `TLSv1.3`. */
  readonly protocol: string;
  /** Why the chain is not trusted, as OpenSSL names it; undefined where it is. */
  readonly chainFault: string | undefined;
  readonly isForName: boolean;
  /** Names in the certificate, for the report. */
  readonly names: string;
  readonly validTo: Date;
}

export type SmtpStage = 'dns' | 'connect' | 'greeting' | 'ehlo' | 'starttls' | 'handshake';

/** What a conversation with the SMTP server showed; no mail was handed over. */
export type SmtpFacts =
  | { readonly kind: 'failed'; readonly stage: SmtpStage; readonly reason: string }
  | {
      readonly kind: 'talked';
      /** Undefined: no TLS was spoken, because the settings or the server do not want it. */
      readonly tls: TlsFacts | undefined;
      readonly login: 'accepted' | 'refused' | 'not_tried';
      /** The server's words, without what was logged in with. */
      readonly loginReply: string;
    }
  | { readonly kind: 'not_tried' };

/** Below this many days a certificate that renews itself should have done so (Let's Encrypt: at 30). */
const daysWanted = 14;
const dayMs = 86_400_000;
/** The worker speaks no older one. */
const protocolsTaken: ReadonlySet<string> = new Set(['TLSv1.2', 'TLSv1.3']);

const mailWaits = 'The worker hands over no mail until this is right; messages wait for it.';

/** Examines the server that takes the mail: reachable, encrypted, certified for its name, and letting us in. */
export const checkSmtp = (sender: Sender, facts: SmtpFacts, now: Date): readonly Finding[] => {
  const { smtp } = sender;
  if (smtp === undefined)
    return sender.provider === 'none' || sender.provider === 'log'
      ? []
      : [
          found('smtp', 'unknown', {
            what: 'SMTP_URL is not known here, so the server was not examined',
            why: mailWaits,
            doThis:
              'Run `npm run doctor` with the worker’s environment, or give the API its SMTP_URL without the password.',
          }),
        ];
  const server = `${smtp.host}:${smtp.port}`;
  if (facts.kind === 'not_tried')
    return [
      found('smtp', 'unknown', {
        what: `${server} was not tried in time`,
        why: mailWaits,
        doThis: 'Run this again.',
      }),
    ];
  if (facts.kind === 'failed')
    return [found('smtp', 'error', { ...faultAt(facts.stage, server, facts.reason), why: mailWaits })];
  const tlsFindings =
    facts.tls === undefined ? clearText(smtp, server) : judgeTls(facts.tls, smtp, server, now);
  const findings = [...tlsFindings, ...judgeLogin(facts, server)];
  return findings.length > 0 ? findings : [ok('smtp', summary(facts, server, now))];
};

const faultAt = (stage: SmtpStage, server: string, reason: string): Omit<Advice, 'why'> => {
  switch (stage) {
    case 'dns':
      return {
        what: `The name of ${server} was not found (${reason})`,
        doThis: 'Correct the host in SMTP_URL.',
      };
    case 'connect':
      return {
        what: `${server} cannot be reached (${reason})`,
        doThis:
          'Check host and port in SMTP_URL, and that your network lets that port out (many close 25; 587 and 465 are meant for this).',
      };
    case 'greeting':
      return {
        what: `${server} does not greet as an SMTP server does (${reason})`,
        doThis: 'Check the port: 465 wants smtps://, 587 and 25 want smtp://.',
      };
    case 'ehlo':
      return {
        what: `${server} ends the conversation (${reason})`,
        doThis: 'Ask whoever runs it whether this machine may send.',
      };
    case 'starttls':
      return {
        what: `${server} offers no encryption (${reason})`,
        doThis: 'Use a port or a server that does; never send links in clear over a network.',
      };
    case 'handshake':
      return {
        what: `No encrypted connection to ${server} could be made (${reason})`,
        doThis: 'Check the port (465 wants smtps://); the server has to speak TLS 1.2 or newer.',
      };
  }
};

const clearText = (smtp: SmtpServer, server: string): readonly Finding[] =>
  isLoopbackHost(smtp.host)
    ? []
    : [
        found('smtp', 'error', {
          what: `Mail goes to ${server} unencrypted (SMTP_TLS=off)`,
          why: 'Whoever listens on the way reads the links and can use them.',
          doThis: 'Set SMTP_TLS=required.',
        }),
      ];

const judgeTls = (tls: TlsFacts, smtp: SmtpServer, server: string, now: Date): readonly Finding[] => {
  const findings: Finding[] = [];
  const error = (what: string, doThis: string): unknown =>
    findings.push(found('smtp', 'error', { what, why: mailWaits, doThis }));
  const daysLeft = Math.floor((tls.validTo.getTime() - now.getTime()) / dayMs);
  if (!protocolsTaken.has(tls.protocol))
    error(`${server} speaks only ${tls.protocol}`, 'The server has to speak TLS 1.2 or newer.');
  if (daysLeft < 0)
    error(
      `The certificate of ${server} ran out ${-daysLeft === 1 ? 'yesterday' : `${-daysLeft} days ago`}`,
      'Have it renewed.',
    );
  else if (tls.chainFault !== undefined)
    error(
      `The certificate of ${server} is not trusted (${tls.chainFault})`,
      'Have it made by a public authority, or name its own with NODE_EXTRA_CA_CERTS.',
    );
  if (!tls.isForName)
    error(
      `The certificate of ${server} is for ${tls.names}`,
      `Put a name of the certificate into SMTP_URL instead of ${smtp.host}.`,
    );
  if (findings.length === 0 && daysLeft < daysWanted)
    findings.push(
      found('smtp', 'warning', {
        what: `The certificate of ${server} runs out in ${daysLeft === 1 ? '1 day' : `${daysLeft} days`}`,
        why: 'From then on no mail is handed over.',
        doThis: 'Have it renewed, and find out why that did not happen by itself.',
      }),
    );
  return findings;
};

const judgeLogin = (
  { login, loginReply }: Extract<SmtpFacts, { kind: 'talked' }>,
  server: string,
): readonly Finding[] =>
  login !== 'refused'
    ? []
    : [
        found('smtp', 'error', {
          what: `${server} does not let us in: ${loginReply}`,
          why: mailWaits,
          doThis: 'Correct user and password in SMTP_URL; special characters are written as %XX.',
        }),
      ];

const summary = (
  { tls, login }: Extract<SmtpFacts, { kind: 'talked' }>,
  server: string,
  now: Date,
): string => {
  if (tls === undefined) return `${server} answers; it is this machine, so nothing is encrypted`;
  const daysLeft = Math.floor((tls.validTo.getTime() - now.getTime()) / dayMs);
  const loggedIn = login === 'accepted' ? ', login accepted' : '';
  return `${server} speaks ${tls.protocol}, certificate good for ${daysLeft} days${loggedIn}`;
};
