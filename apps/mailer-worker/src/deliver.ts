import { randomBytes } from 'node:crypto';
import type { Account } from '@reconfirm/core/account';
import { chooseLocale } from '@reconfirm/core/locale';
import { messageIdHeader } from '@reconfirm/core/message-id';
import type { Provider } from '@reconfirm/core/providers/provider';
import { findPurpose } from '@reconfirm/core/purposes/registry';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import { judgeRedirect, type RedirectRule, verificationLink } from '@reconfirm/core/redirect';
import { isPutOffReason, type PutOffReason, type Resolution, resolve } from '@reconfirm/core/resolve';
import { planRetry } from '@reconfirm/core/retry';
import type { Secret } from '@reconfirm/core/secret';
import type { SmtpFailure } from '@reconfirm/core/smtp-reply';
import { deriveToken, hashToken, type KeyRing, nonceSizeBytes } from '@reconfirm/core/token';
import type { AttemptStart, ClaimedMessage } from '@reconfirm/db/claims';
import type { MessageRecord } from '@reconfirm/db/records';
import type { Logger } from '@reconfirm/process/logger';
import type { Lane, LanePass } from './lane.ts';
import type { WorkerMetrics } from './metrics.ts';
import { plainConfirmingTemplate } from './render-request.ts';
import type { Renderer } from './render.ts';
import type { Mailbox, OutgoingMail, SendResult, Transport } from './transports/transport.ts';

/** The statements that delivering needs; concurrent messages share their batches. */
export interface DeliveryStore {
  claim(messageId: string): Promise<ClaimedMessage | null>;
  begin(start: AttemptStart): Promise<boolean>;
  record(record: MessageRecord): Promise<void>;
  giveBack(held: readonly { readonly id: string; readonly attempt: number }[]): Promise<void>;
}

export interface DeliveryOptions {
  readonly store: DeliveryStore;
  readonly renderer: Renderer;
  readonly transport: Transport;
  readonly provider: Provider;
  readonly lane: Lane;
  readonly keys: KeyRing;
  readonly from: Mailbox;
  readonly replyTo: Mailbox | undefined;
  readonly publicUrl: string;
  /** Where links may lead, our own page included. */
  readonly redirects: RedirectRule;
  readonly production: boolean;
  readonly tokenTtlSeconds: number;
  readonly supportedLocales: readonly string[];
  readonly defaultLocale: string;
  readonly workerName: string;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
}

export interface Delivery {
  /** Works on one message from claim to record. Rejects only when the database does not answer. */
  deliver(messageId: string): Promise<void>;
  /** Messages in this worker's hands, for renewing and giving back their leases. */
  held(): readonly { readonly id: string; readonly attempt: number }[];
  /** Ends every hand-over in progress at once. */
  abort(): void;
}

/** How long a message waits for a worker that can do what this one cannot. */
const putOffSeconds = 60;

export const createDelivery = (options: DeliveryOptions): Delivery => {
  const { store, renderer, transport, provider, lane, keys, log, metrics } = options;
  const inHand = new Map<string, ClaimedMessage>();
  const stop = new AbortController();
  const messageIdDomain = options.from.address.slice(options.from.address.lastIndexOf('@') + 1);
  const confirmationPage = new URL('/v1/verify-email', options.publicUrl).href;

  const deliver = async (messageId: string): Promise<void> => {
    // Two jobs of one message can meet in this process; the second finds the first at work.
    if (stop.signal.aborted || inHand.has(messageId)) return;
    const pass = lane.enter();
    if (pass === null) return;
    const startedMs = performance.now();
    try {
      const claimed = await store.claim(messageId);
      if (claimed === null) return;
      inHand.set(claimed.id, claimed);
      try {
        const done = await work(claimed, pass);
        tell(claimed, done, performance.now() - startedMs);
      } finally {
        if (inHand.get(claimed.id) === claimed) inHand.delete(claimed.id);
      }
    } finally {
      pass.leave();
    }
  };

  /** The steps of one message. Each either goes on or ends with what there is to record. */
  const work = async (
    claimed: ClaimedMessage,
    pass: LanePass,
  ): Promise<MessageRecord | 'lost' | 'given_back'> => {
    const purpose = findPurpose(claimed.purpose);
    if (purpose === undefined) return finish(putOff(claimed, 'unknown_purpose'));
    const decision = decide(claimed, purpose);
    if (decision.kind === 'skip' || decision.kind === 'give_up') return finish(notSent(claimed, decision));
    const credential = derive(claimed, purpose);
    if (credential === null) return finish(putOff(claimed, 'wrong_token_key'));
    const mail = compose(claimed, decision.account, purpose, credential.token);
    if (!(await store.begin(attemptStart(claimed, decision.account, credential)))) return 'lost';
    if (decision.kind === 'make_token_only') return finish(notSent(claimed, decision));
    const result = await transport.send(mail, stop.signal);
    if (wasInterrupted(result)) {
      await store.giveBack([claimed]);
      return 'given_back';
    }
    return finish(handedOver(claimed, decision.account, result, pass));
  };

  const decide = (claimed: ClaimedMessage, purpose: Purpose): Resolution =>
    resolve(claimed, claimed.account, purpose, { emailOff: provider.carriesMail === 'none' });

  /**
   * The same nonce and key version give the same token on every attempt. Null when the key ring makes
   * another token than the one that was stored: a link that cannot work must not be sent.
   */
  const derive = (claimed: ClaimedMessage, purpose: Purpose): Credential | null => {
    const nonce = claimed.token?.nonce ?? randomBytes(nonceSizeBytes);
    const keyVersion = claimed.token?.keyVersion ?? keys.newestVersion;
    if (!keys.keys.has(keyVersion)) return null;
    const token = deriveToken(keys, { keyVersion, messageId: claimed.id, purpose: purpose.name, nonce });
    const hash = hashToken(token.reveal());
    if (claimed.token !== null && !hash.equals(claimed.token.hash)) return null;
    return { token, hash, nonce, keyVersion };
  };

  /** Judged again when it is used: an origin that was taken off the list receives no token from then on. */
  const allowed = (redirectUrl: string | null): string | null => {
    if (redirectUrl === null) return null;
    const decision = judgeRedirect(redirectUrl, options.redirects, options.production);
    return decision.allowed ? decision.url : null;
  };

  const compose = (
    claimed: ClaimedMessage,
    account: Account,
    purpose: Purpose,
    token: Secret,
  ): OutgoingMail => {
    const page = allowed(claimed.redirectUrl) ?? allowed(account.redirectUrl) ?? confirmationPage;
    const rendered = renderer.render({
      template: plainConfirmingTemplate(purpose.template),
      locale: chooseLocale(
        claimed.locale ?? undefined,
        account.locale ?? undefined,
        options.supportedLocales,
        options.defaultLocale,
      ),
      values: {
        link: verificationLink(page, token.reveal()),
        name: account.name ?? undefined,
        lifetimeSeconds: options.tokenTtlSeconds,
        policy: 'newest_only',
      },
    });
    return {
      messageId: claimed.id,
      messageIdHeader: messageIdHeader(claimed.id, messageIdDomain),
      from: options.from,
      replyTo: options.replyTo,
      to: account.email,
      subject: rendered.subject,
      html: rendered.html,
      text: rendered.text,
      providerHeaders: provider.metadataHeaders(claimed.id),
    };
  };

  const attemptStart = (claimed: ClaimedMessage, account: Account, credential: Credential): AttemptStart => ({
    messageId: claimed.id,
    attempt: claimed.attempt,
    accountId: account.id,
    provider: provider.name,
    worker: options.workerName,
    tokenHash: credential.hash,
    nonce: credential.nonce,
    keyVersion: credential.keyVersion,
    ttlSeconds: options.tokenTtlSeconds,
  });

  /** What a hand-over amounts to: sent, refused for good, or due again. Only here do failures become a status. */
  const handedOver = (
    claimed: ClaimedMessage,
    account: Account,
    result: SendResult,
    pass: LanePass,
  ): MessageRecord => {
    const base = { ...blankRecord(claimed), accountId: account.id, reply: result.reply };
    if (result.kind === 'accepted') {
      pass.worked();
      return {
        ...base,
        status: 'sent',
        result: 'accepted',
        providerMessageId: result.providerMessageId ?? null,
      };
    }
    const { failure } = result;
    if (failure.kind !== 'misconfigured' && isAnswer(failure)) pass.worked();
    if (failure.kind === 'permanent')
      return { ...base, status: 'bounced', reason: failure.code, result: 'permanent', code: failure.code };
    const plan =
      failure.kind === 'misconfigured'
        ? // Due when the lane opens: in a quiet hour this message is the next probe itself.
          { afterSeconds: pass.refused(failure.code), countsAsFailure: false }
        : planRetry(failure, claimed.failures, Math.random());
    return {
      ...base,
      status: 'deferred',
      reason: failure.code,
      result: failure.kind,
      code: failure.code,
      retryAfterSeconds: plan.afterSeconds,
      countsAsFailure: plan.countsAsFailure,
    };
  };

  const finish = async (record: MessageRecord): Promise<MessageRecord> => {
    await store.record(record);
    return record;
  };

  /** The one wide line of a unit of work. No address, no link, no token. */
  const tell = (
    claimed: ClaimedMessage,
    done: MessageRecord | 'lost' | 'given_back',
    tookMs: number,
  ): void => {
    const outcome = typeof done === 'string' ? done : done.status;
    const detail =
      typeof done === 'string'
        ? {}
        : { reason: done.reason, failure: done.code, retryAfterSeconds: done.retryAfterSeconds };
    metrics.messageDone(outcome, typeof done === 'string' ? null : (done.code ?? done.reason), tookMs / 1000);
    const needsOperator = typeof done !== 'string' && done.reason !== null && isPutOffReason(done.reason);
    log[needsOperator ? 'error' : 'info'](
      {
        messageId: claimed.id,
        attempt: claimed.attempt,
        purpose: claimed.purpose,
        provider: provider.name,
        outcome,
        ...detail,
        waitedMs: Math.round(claimed.ageSeconds * 1000),
        durationMs: Math.round(tookMs),
      },
      'delivery.attempted',
    );
  };

  return {
    deliver,
    held: () => [...inHand.values()].map(({ id, attempt }) => ({ id, attempt })),
    abort: () => stop.abort(),
  };
};

interface Credential {
  readonly token: Secret;
  readonly hash: Buffer;
  readonly nonce: Uint8Array;
  readonly keyVersion: number;
}

const blankRecord = (claimed: ClaimedMessage) => ({
  messageId: claimed.id,
  attempt: claimed.attempt,
  reason: null,
  retryAfterSeconds: 0,
  countsAsFailure: false,
  accountId: claimed.account?.id ?? null,
  result: null,
  code: null,
  reply: null,
  providerMessageId: null,
});

const notSent = (
  claimed: ClaimedMessage,
  decision: Exclude<Resolution, { kind: 'send' }>,
): MessageRecord => ({
  ...blankRecord(claimed),
  status: decision.kind === 'give_up' ? 'gave_up' : 'skipped',
  reason: decision.reason,
});

/** Nothing was tried and nothing is held against the message; it is looked at again later. */
const putOff = (claimed: ClaimedMessage, reason: PutOffReason): MessageRecord => ({
  ...blankRecord(claimed),
  status: 'deferred',
  reason,
  retryAfterSeconds: putOffSeconds,
});

/** The provider answered, if only to refuse: our set-up is right. Silence says nothing about it. */
const isAnswer = (failure: SmtpFailure): boolean =>
  !['dns', 'connect', 'timeout', 'connection_lost', 'aborted'].includes(failure.code);

/** We stopped the hand-over ourselves before a byte of the body was sent: as if it had not begun. */
const wasInterrupted = (result: SendResult): boolean =>
  result.kind === 'failed' && result.failure.code === 'aborted' && result.failure.kind === 'transient';
