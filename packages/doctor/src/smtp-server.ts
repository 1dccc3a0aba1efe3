import { checkServerIdentity, type TLSSocket } from 'node:tls';
import { isIP } from 'node:net';
import type { SmtpServer } from '@reconfirm/core/doctor/sender';
import type { SmtpFacts, SmtpStage, TlsFacts } from '@reconfirm/core/doctor/smtp-tls';
import { scrubReply } from '@reconfirm/core/reply-text';
import { codeOf, type Conversation, converse, ehlo, lenientTls, openTcp, openTls } from './conversation.ts';

export interface SmtpVisit {
  readonly facts: SmtpFacts;
  /** The date that its greeting shows, and when we read it. */
  readonly clock?: { readonly theirs: Date; readonly oursMs: number };
}

export interface SmtpVisitOptions {
  readonly signal: AbortSignal;
  /** Certificates to trust in place of the system's, as PEM. */
  readonly trustedCertificates?: string | undefined;
}

interface Talk {
  readonly server: SmtpServer;
  readonly options: SmtpVisitOptions;
  stage: SmtpStage;
  clock?: SmtpVisit['clock'];
}

/**
 * Talks to the SMTP server as the worker does, up to the login, and hands nothing over. The login is
 * tried only where it is safe: encrypted, with a certificate that is trusted and for this name.
 */
export const visitSmtpServer = async (server: SmtpServer, options: SmtpVisitOptions): Promise<SmtpVisit> => {
  const talk: Talk = { server, options, stage: 'connect' };
  let conversation: Conversation | undefined;
  try {
    const opened = await open(talk);
    conversation = opened.conversation;
    const facts = await examineServer(talk, opened.conversation, opened.tls);
    return withClock(facts, talk);
  } catch (error) {
    const reason = codeOf(error);
    const isNameFault = talk.stage === 'connect' && /^(?:ENOTFOUND|EAI_AGAIN)$/.test(reason);
    return withClock({ kind: 'failed', stage: isNameFault ? 'dns' : talk.stage, reason }, talk);
  } finally {
    conversation?.close();
  }
};

const withClock = (facts: SmtpFacts, { clock }: Talk): SmtpVisit => ({ facts, ...(clock && { clock }) });

const tlsOptions = ({ server, options }: Talk) => ({
  ...lenientTls,
  ...(isIP(server.host) === 0 && { servername: server.host }),
  ...(options.trustedCertificates !== undefined && { ca: options.trustedCertificates }),
});

const open = async (talk: Talk): Promise<{ conversation: Conversation; tls: TLSSocket | undefined }> => {
  const { host, port, implicitTls } = talk.server;
  const { signal } = talk.options;
  const plain = await openTcp(host, port, signal);
  if (!implicitTls) return { conversation: converse(plain, signal), tls: undefined };
  talk.stage = 'handshake';
  try {
    const tls = await openTls({ ...tlsOptions(talk), socket: plain }, signal);
    return { conversation: converse(tls, signal), tls };
  } catch (error) {
    plain.destroy();
    throw error;
  }
};

class Refused extends Error {}

const examineServer = async (
  talk: Talk,
  conversation: Conversation,
  implicit: TLSSocket | undefined,
): Promise<SmtpFacts> => {
  talk.stage = 'greeting';
  const greeting = await expectReply(conversation.reply(), 2);
  talk.clock = clockIn(greeting.lines.join(' '));
  talk.stage = 'ehlo';
  let { lines: offers } = await expectReply(conversation.say(ehlo()), 2);
  let secured = implicit;
  if (implicit === undefined && talk.server.tls === 'required') {
    talk.stage = 'starttls';
    await expectReply(conversation.say('STARTTLS'), 2);
    talk.stage = 'handshake';
    secured = await conversation.encrypt(tlsOptions(talk));
    talk.stage = 'ehlo';
    ({ lines: offers } = await expectReply(conversation.say(ehlo()), 2));
  }
  const tls = secured && tlsFacts(secured, talk.server.host);
  return { kind: 'talked', tls, ...(await tryLogin(talk.server, tls, offers, conversation)) };
};

const expectReply = async (
  reply: ReturnType<Conversation['reply']>,
  kind: number,
): ReturnType<Conversation['reply']> => {
  const received = await reply;
  if (Math.floor(received.code / 100) !== kind)
    throw new Refused(scrubReply(`${received.code} ${received.lines.join(' ')}`, []));
  return received;
};

const tlsFacts = (socket: TLSSocket, host: string): TlsFacts => {
  const certificate = socket.getPeerCertificate();
  const fault = socket.authorizationError as Error | string | null | undefined;
  const code = fault instanceof Error && 'code' in fault ? String(fault.code) : String(fault ?? '');
  // Node tells of the name only where the chain is right.
  const isChainTrusted = socket.authorized || code === 'ERR_TLS_CERT_ALTNAME_INVALID';
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    chainFault: isChainTrusted ? undefined : code,
    isForName: checkServerIdentity(host, certificate) === undefined,
    names: printable(certificate.subjectaltname ?? String(certificate.subject.CN ?? 'nobody')),
    validTo: new Date(certificate.valid_to),
  };
};

/** A stranger's text in our report: short, and one line. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 120);

type Login = Pick<Extract<SmtpFacts, { kind: 'talked' }>, 'login' | 'loginReply'>;
const notTried: Login = { login: 'not_tried', loginReply: '' };

const tryLogin = async (
  { login }: SmtpServer,
  tls: TlsFacts | undefined,
  offers: readonly string[],
  conversation: Conversation,
): Promise<Login> => {
  const isSafe =
    tls !== undefined && tls.chainFault === undefined && tls.isForName && /1\.[23]$/.test(tls.protocol);
  const mechanisms =
    offers
      .find((line) => /^AUTH /i.test(line))
      ?.toUpperCase()
      .split(/\s+/) ?? [];
  if (login === undefined || !isSafe) return notTried;
  const [user, password] = [login.user.reveal(), login.password.reveal()];
  const [plain, encodedUser, encodedPassword] = [`\0${user}\0${password}`, user, password].map((text) =>
    Buffer.from(text).toString('base64'),
  ) as [string, string, string];
  const secrets = [user, password, plain, encodedUser, encodedPassword].filter((text) => text.length > 2);
  let reply;
  if (mechanisms.includes('PLAIN')) reply = await conversation.say(`AUTH PLAIN ${plain}`);
  else if (mechanisms.includes('LOGIN')) {
    reply = await conversation.say('AUTH LOGIN');
    if (reply.code === 334) reply = await conversation.say(encodedUser);
    if (reply.code === 334) reply = await conversation.say(encodedPassword);
  } else return notTried;
  if (reply.code === 235) return { login: 'accepted', loginReply: '' };
  // RFC 4954, 6: only these say that the login itself is at fault; a 454 passes.
  return [530, 534, 535, 538].includes(reply.code)
    ? { login: 'refused', loginReply: scrubReply(`${reply.code} ${reply.lines.join(' ')}`, secrets) }
    : notTried;
};

/** Some servers greet with their time, in the form of RFC 5322, 3.3. */
const clockIn = (greeting: string): SmtpVisit['clock'] => {
  const text = /[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}/.exec(greeting)?.[0];
  const theirs = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(theirs) ? undefined : { theirs: new Date(theirs), oursMs: Date.now() };
};
