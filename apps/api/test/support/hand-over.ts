import { randomBytes } from 'node:crypto';
import { deriveCode, hashCode } from '@reconfirm/core/code';
import { type ApiConfig, purposePoliciesOf } from '@reconfirm/core/config/config';
import { policyOf } from '@reconfirm/core/purposes/policy';
import { findPurpose } from '@reconfirm/core/purposes/registry';
import { deriveToken, hashToken, nonceSizeBytes } from '@reconfirm/core/token';
import { beginAttempts, type ClaimedMessage, claimMessages } from '@reconfirm/db/claims';
import type { Database } from '@reconfirm/db/database';
import { type MessageRecord, recordMessages } from '@reconfirm/db/records';
import { newestMessage } from './rows.ts';

/** What a worker does to rows, without a worker: the API's own behaviour stands alone. */
export interface HandOver {
  readonly messageId: string;
  readonly token: string;
  readonly code: string;
}

const leaseSeconds = 60;

/** Claims one message as a worker does; throws when it is not to be had. */
export const claim = async (db: Database, messageId: string): Promise<ClaimedMessage> => {
  const [claimed] = await claimMessages(db, [messageId], leaseSeconds);
  if (claimed === undefined || claimed === null) throw new Error(`message ${messageId} cannot be claimed`);
  return claimed;
};

/** Makes the token of a message and begins its attempt, without recording how it ended. */
export const beginAttempt = async (
  db: Database,
  config: ApiConfig,
  claimed: ClaimedMessage,
  provider = 'mailgun',
): Promise<HandOver> => {
  const nonce = claimed.token?.nonce ?? randomBytes(nonceSizeBytes);
  const keyVersion = claimed.token?.keyVersion ?? config.TOKEN_KEYS.newestVersion;
  const origin = { keyVersion, messageId: claimed.id, purpose: claimed.purpose, nonce };
  const token = deriveToken(config.TOKEN_KEYS, origin).reveal();
  const code = deriveCode(config.TOKEN_KEYS, origin).reveal();
  const purpose = findPurpose(claimed.purpose);
  if (purpose === undefined) throw new Error(`no purpose ${claimed.purpose}`);
  const { lifetime, liveTokens } = policyOf(purpose, purposePoliciesOf(config));
  const [begun] = await beginAttempts(db, [
    {
      messageId: claimed.id,
      attempt: claimed.attempt,
      accountId: claimed.account?.id ?? '',
      provider,
      worker: 'test',
      credential: {
        tokenHash: hashToken(token),
        nonce,
        keyVersion,
        ttlSeconds: lifetime.linkSeconds,
        code: {
          hash: hashCode(config.ADDRESS_HASH_KEY, claimed.id, code),
          ttlSeconds: lifetime.codeSeconds,
        },
        liveTokens,
      },
    },
  ]);
  if (begun !== true) throw new Error(`the attempt of ${claimed.id} could not begin`);
  return { messageId: claimed.id, token, code };
};

/** Records how the work on a claimed message ended. */
export const record = (
  db: Database,
  claimed: ClaimedMessage,
  outcome: Partial<MessageRecord>,
): Promise<void> =>
  recordMessages(db, [
    {
      messageId: claimed.id,
      attempt: claimed.attempt,
      status: 'sent',
      reason: null,
      retryAfterSeconds: 0,
      countsAsFailure: false,
      accountId: claimed.account?.id ?? null,
      result: null,
      code: null,
      reply: null,
      providerMessageId: null,
      ...outcome,
    },
  ]);

/** Hands one message over to a provider that takes it. Returns what it would carry. */
export const handOver = async (db: Database, config: ApiConfig, messageId: string): Promise<HandOver> => {
  const claimed = await claim(db, messageId);
  const begun = await beginAttempt(db, config, claimed);
  await record(db, claimed, {
    status: 'sent',
    result: 'accepted',
    providerMessageId: `${claimed.id}@mail.example.com`,
  });
  return begun;
};

/** The same for the message that was accepted last. */
export const handOverNewest = async (db: Database, config: ApiConfig): Promise<HandOver> =>
  handOver(db, config, (await newestMessage(db)).id);
