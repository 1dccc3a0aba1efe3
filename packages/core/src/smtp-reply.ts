import { scrubReply } from './reply-text.ts';

/**
 * What the SMTP client knows about a send that did not end in acceptance. `code`, `command`,
 * `responseCode` and `response` are spelled as nodemailer spells them; `originalCode` is the code
 * of the system or TLS error below. `bodyStarted` says whether a byte of the message itself was
 * handed to the socket: without that, the message certainly was not delivered.
 */
export type SmtpFailureReport = {
  readonly code?: string | undefined;
  readonly originalCode?: string | undefined;
  readonly command?: string | undefined;
  readonly responseCode?: number | undefined;
  readonly response?: string | undefined;
  readonly bodyStarted: boolean;
};

/**
 * Who has to act: `permanent` nobody, this message will never be taken; `transient` the next
 * attempt; `ambiguous` the provider has to say whether it took the message; `misconfigured` an
 * operator, and no recipient pays for it.
 */
export type SmtpFailureKind = 'permanent' | 'transient' | 'ambiguous' | 'misconfigured';

/** Says what failed, in the words that operators filter by. */
export type SmtpFailureCode =
  | 'dns'
  | 'connect'
  | 'tls'
  | 'auth'
  | 'greeting'
  | 'relay_refused'
  | 'sender_refused'
  | 'recipient_refused'
  | 'recipient_invalid'
  | 'message_refused'
  | 'greylisted'
  | 'throttled'
  | 'quota'
  | 'timeout'
  | 'connection_lost'
  | 'protocol'
  | 'aborted'
  | 'settings'
  | 'unknown';

/** The verdict on one failed send. `retryAfterSeconds` is there when the server hinted at a time. */
export type SmtpFailure = {
  readonly kind: SmtpFailureKind;
  readonly code: SmtpFailureCode;
  readonly retryAfterSeconds?: number;
};

/** The report in the form that the rules read: the reply is split and free of caller-made text. */
type Facts = {
  readonly code: string;
  readonly originalCode: string;
  readonly command: string;
  /** First digit of the reply, 0 where the server said nothing. */
  readonly replyClass: number;
  readonly replyCode: number;
  /** RFC 3463 status such as `5.7.1`, empty where the reply has none. */
  readonly status: string;
  readonly text: string;
};

type Rule = {
  readonly when: (facts: Facts) => boolean;
  readonly code: SmtpFailureCode;
  /** `by-reply`: transient for a 4yz reply and permanent for a 5yz one (RFC 5321, 4.2.1). */
  readonly kind: SmtpFailureKind | 'by-reply' | 'ours-by-reply';
  readonly retryAfterSeconds?: number;
};

// Certificate and handshake faults, as Node names them. A retry meets the same certificate.
const tlsFault = /^(?:ERR_TLS_|ERR_SSL_|CERT_|SELF_SIGNED|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO$)/;

// RFC 4954, 6: 530 authentication required, 534 mechanism too weak, 535 credentials invalid,
// 538 encryption required for the mechanism.
const authReplies = new Set([530, 534, 535, 538]);

// RFC 7372 and the codes that large receivers add to it: the sender's SPF, DKIM, DMARC or reverse
// DNS did not pass. The recipient is fine.
const senderAuthStatus = /^[45]\.7\.(?:2[0-9]|1[0-9]{2})$/;

// Provider budgets. A full mailbox (552, x.2.2) also says "quota" and belongs to the recipient.
const quotaText =
  /\b(?:daily|hourly|monthly|sending|send|message|recipient|account|plan|free)\b[^.;]{0,60}\b(?:quota|limit|allowance|credits?)\b[^.;]{0,40}\b(?:exceeded|reached|exhausted|used)\b/i;
const throttleText =
  /\b(?:throttl\w*|rate limit\w*|too many (?:messages|connections|emails|requests)|sending rate)\b/i;
const greylistText = /\bgr[ae]y-?list/i;
const relayText =
  /\brelay(?:ing)?\b[^.;]{0,40}\b(?:denied|prohibited|not (?:permitted|allowed))\b|\bunable to relay\b/i;

const oursOnApi = new Set([
  'ECONFIG',
  'EPROXY',
  'EFILEACCESS',
  'EURLACCESS',
  'EMAXRECIPIENTS',
  'EOTP',
  'ERR_ACCESS_DENIED',
]);

/** The server answered. First match wins; specific causes stand before the command they came at. */
const replyRules: readonly Rule[] = [
  // The pool reports any of these with `permanent: true`, although no recipient was named yet.
  { when: (f) => f.command === 'STARTTLS' || f.code === 'ETLS', code: 'tls', kind: 'ours-by-reply' },
  { when: (f) => authReplies.has(f.replyCode), code: 'auth', kind: 'misconfigured' },
  { when: (f) => f.code === 'EAUTH', code: 'auth', kind: 'ours-by-reply' },
  { when: (f) => isQuota(f), code: 'quota', kind: 'misconfigured', retryAfterSeconds: 3600 },
  {
    when: (f) => f.replyClass === 4 && greylistText.test(f.text),
    code: 'greylisted',
    kind: 'transient',
    retryAfterSeconds: 300,
  },
  {
    when: (f) => f.replyClass === 4 && throttleText.test(f.text),
    code: 'throttled',
    kind: 'transient',
    retryAfterSeconds: 60,
  },
  // RFC 5321, 4.2.2: 503 is about the state of the session, so a new connection can succeed.
  { when: (f) => f.replyCode === 503, code: 'protocol', kind: 'transient' },
  { when: (f) => f.command === 'MAIL FROM', code: 'sender_refused', kind: 'ours-by-reply' },
  { when: (f) => f.replyClass === 5 && relayText.test(f.text), code: 'relay_refused', kind: 'misconfigured' },
  {
    when: (f) => f.status === '5.1.7' || f.status === '5.1.8',
    code: 'sender_refused',
    kind: 'misconfigured',
  },
  { when: (f) => senderAuthStatus.test(f.status), code: 'sender_refused', kind: 'ours-by-reply' },
  { when: (f) => f.command === 'RCPT TO', code: 'recipient_refused', kind: 'by-reply' },
  { when: (f) => f.command === 'DATA', code: 'message_refused', kind: 'by-reply' },
  // 421 may come at any time and ends the session (RFC 5321, 3.8): the message was not taken.
  {
    when: (f) => f.replyCode === 421 && f.code === 'ECONNECTION',
    code: 'connection_lost',
    kind: 'transient',
  },
  { when: (f) => f.code === 'EPROTOCOL' && f.command === 'CONN', code: 'greeting', kind: 'ours-by-reply' },
  { when: (f) => f.command === 'EHLO' || f.command === 'HELO', code: 'greeting', kind: 'ours-by-reply' },
  { when: () => true, code: 'protocol', kind: 'transient' },
];

/** The server said nothing that counts, and no byte of the message has left. */
const silentRules: readonly Rule[] = [
  { when: (f) => oursOnApi.has(f.code), code: 'settings', kind: 'misconfigured' },
  { when: (f) => f.code === 'ENOAUTH' || f.code === 'EAUTH', code: 'auth', kind: 'misconfigured' },
  // Fetching an access token is a call over the network, so the next one may succeed.
  { when: (f) => f.code === 'EOAUTH2', code: 'auth', kind: 'transient' },
  {
    when: (f) => f.code === 'EREQUIRETLS' || tlsFault.test(f.originalCode),
    code: 'tls',
    kind: 'misconfigured',
  },
  { when: (f) => f.code === 'ETLS', code: 'tls', kind: 'transient' },
  { when: (f) => f.code === 'EDNS' && f.originalCode === 'ENOTFOUND', code: 'dns', kind: 'misconfigured' },
  { when: (f) => f.code === 'EDNS', code: 'dns', kind: 'transient' },
  { when: (f) => f.code === 'EABORT', code: 'aborted', kind: 'transient' },
  { when: (f) => f.code === 'ETIMEDOUT', code: 'timeout', kind: 'transient' },
  {
    when: (f) => f.code === 'ESOCKET' && f.originalCode === 'ECONNRESET',
    code: 'connection_lost',
    kind: 'transient',
  },
  {
    when: (f) => f.code === 'ESOCKET' && f.originalCode === 'EPIPE',
    code: 'connection_lost',
    kind: 'transient',
  },
  { when: (f) => f.code === 'ESOCKET', code: 'connect', kind: 'transient' },
  {
    when: (f) => f.code === 'ECONNECTION' || f.code === 'ESTREAM',
    code: 'connection_lost',
    kind: 'transient',
  },
  { when: (f) => f.code === 'EPROTOCOL', code: 'protocol', kind: 'transient' },
  { when: (f) => f.code === 'EENVELOPE', code: 'recipient_invalid', kind: 'permanent' },
  // Refused by the client itself: larger than the server's SIZE. Our template is too big for it.
  { when: (f) => f.code === 'EMESSAGE', code: 'message_refused', kind: 'misconfigured' },
  { when: () => true, code: 'unknown', kind: 'transient' },
];

/**
 * Says what a failed SMTP send means. A reply decides, wherever it came; where the message had
 * begun to leave and no reply came, nobody knows whether it was taken, and the verdict is
 * `ambiguous`. Only a reply to RCPT TO or to the message itself can be the recipient's fault.
 */
export const classifySmtpFailure = (report: SmtpFailureReport): SmtpFailure => {
  const facts = readFacts(report);
  const answered = facts.replyClass === 4 || facts.replyClass === 5;
  const rule = (answered ? replyRules : silentRules).find((candidate) => candidate.when(facts));
  const code = rule?.code ?? 'unknown';
  const kind = !answered && report.bodyStarted ? 'ambiguous' : resolveKind(rule?.kind ?? 'transient', facts);
  const retryAfterSeconds =
    kind === 'permanent' ? undefined : (hintedSeconds(facts) ?? rule?.retryAfterSeconds);
  return retryAfterSeconds === undefined ? { kind, code } : { kind, code, retryAfterSeconds };
};

const readFacts = (report: SmtpFailureReport): Facts => {
  const response = report.response ?? '';
  const replyCode = report.responseCode ?? Number(/^\d{3}(?=[ -]|$)/.exec(response)?.[0] ?? 0);
  return {
    code: report.code ?? '',
    originalCode: report.originalCode ?? '',
    command: report.command ?? '',
    replyClass: Math.floor(replyCode / 100),
    replyCode,
    status: /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1] ?? '',
    // An address such as <relay.denied@example.com> is repeated in replies. It must not decide.
    text: scrubReply(response),
  };
};

const isQuota = (facts: Facts): boolean => {
  const ofMailbox =
    /^[45]\.2\.2$/.test(facts.status) ||
    facts.replyCode === 552 ||
    /\b(?:mailbox|storage)\b/i.test(facts.text);
  if (ofMailbox) return false;
  return facts.status === '5.4.5' || quotaText.test(facts.text);
};

const resolveKind = (kind: Rule['kind'], facts: Facts): SmtpFailureKind => {
  if (kind === 'by-reply') return facts.replyClass === 5 ? 'permanent' : 'transient';
  if (kind === 'ours-by-reply') return facts.replyClass === 5 ? 'misconfigured' : 'transient';
  return kind;
};

const secondsPerUnit: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/**
 * "Greylisted, try again in 5 minutes" → 300. At most an hour, so that a server can't park a
 * message beyond its lifetime.
 */
const hintedSeconds = (facts: Facts): number | undefined => {
  if (facts.replyClass !== 4) return undefined;
  const hint =
    /\b(?:in|after|for|wait)\s+(\d{1,5})\s*(s|m|h)(?:ec(?:ond)?s?|in(?:ute)?s?|(?:ou)?rs?)?\b/i.exec(
      facts.text,
    );
  if (!hint) return undefined;
  const seconds = Number(hint[1]) * (secondsPerUnit[(hint[2] ?? 's').toLowerCase()] ?? 1);
  return Math.min(Math.max(seconds, 1), 3600);
};

export { scrubReply };
