import { randomBytes } from 'node:crypto';
import { type LiveTokens, newestOnly } from '@reconfirm/core/live-tokens';
import { purposeNames } from '@reconfirm/core/purposes/registry';
import {
  type AttemptStart,
  beginAttempts,
  type ClaimedMessage,
  claimMessages,
  type StartedCredential,
} from '../../src/claims.ts';
import type { Database } from '../../src/database.ts';
import { type MessageRecord, recordMessages } from '../../src/records.ts';
import type { Presented } from '../../src/token-state.ts';
import { type Confirmation, confirmToken } from '../../src/verifications.ts';
import { accept, hashOf, type MailAccount } from './rows.ts';

export const leaseSeconds = 60;
export const ttlSeconds = 3600;
export const codeTtlSeconds = 600;

/** Claims one message; throws when there is nothing to claim. */
export const claim = async (db: Database, id: string): Promise<ClaimedMessage> => {
  const [claimed] = await claimMessages(db, [id], leaseSeconds);
  if (claimed === null || claimed === undefined) throw new Error(`message ${id} could not be claimed`);
  return claimed;
};

/** What stands for the token of a message: tests look it up by this hash. */
export const tokenHashOf = (messageId: string): Buffer => hashOf(`token ${messageId}`);

/** What stands for the code of a message. */
export const codeHashOf = (messageId: string): Buffer => hashOf(`code ${messageId}`);

/** A token as its link brings it back. */
export const byLink = (tokenHash: Uint8Array): Presented => ({ by: 'link', tokenHash });

/** Confirms by link, whatever the purpose. */
export const confirm = (db: Database, tokenHash: Uint8Array): Promise<Confirmation> =>
  confirmToken(db, byLink(tokenHash), purposeNames);

/** What a worker begins an attempt with. */
export const startOf = (
  claimed: { readonly id: string; readonly attempt: number },
  accountId: string,
  provider = 'smtp',
): AttemptStart => ({
  messageId: claimed.id,
  attempt: claimed.attempt,
  accountId,
  provider,
  worker: 'test-worker',
  credential: credentialOf(claimed.id),
});

/** What stands for the credential of a message. */
export const credentialOf = (messageId: string, liveTokens: LiveTokens = newestOnly): StartedCredential => ({
  tokenHash: tokenHashOf(messageId),
  nonce: randomBytes(16),
  keyVersion: 1,
  ttlSeconds,
  code: { hash: codeHashOf(messageId), ttlSeconds: codeTtlSeconds },
  liveTokens,
});

/** Begins an attempt on a claimed message; false when its fence does not hold. */
export const begin = async (
  db: Database,
  claimed: { readonly id: string; readonly attempt: number },
  accountId: string,
  provider = 'smtp',
): Promise<boolean> => {
  const [begun] = await beginAttempts(db, [startOf(claimed, accountId, provider)]);
  return begun === true;
};

/** What a worker says of its attempt; `sent` unless told otherwise. */
export const recordOf = (
  claimed: { readonly id: string; readonly attempt: number },
  changes: Partial<MessageRecord> = {},
): MessageRecord => ({
  messageId: claimed.id,
  attempt: claimed.attempt,
  status: 'sent',
  reason: null,
  retryAfterSeconds: 0,
  countsAsFailure: false,
  accountId: null,
  result: 'accepted',
  code: null,
  reply: null,
  providerMessageId: null,
  ...changes,
});

/** Accepts and claims a message of an account and begins its attempt: as it is while it is being sent. */
export const startSending = async (db: Database, account: MailAccount): Promise<ClaimedMessage> => {
  const claimed = await claim(db, await accept(db, account.email));
  await begin(db, claimed, account.id);
  return claimed;
};

/** The whole way of a message of an account up to `sent`. Returns the message's id. */
export const send = async (db: Database, account: MailAccount): Promise<string> => {
  const claimed = await startSending(db, account);
  await recordMessages(db, [recordOf(claimed)]);
  return claimed.id;
};
