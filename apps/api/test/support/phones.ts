import { keyedHash } from '@reconfirm/core/keyed-hash';
import { acceptMessages } from '@reconfirm/db/accept-messages';
import type { Database } from '@reconfirm/db/database';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { beginAttempt, claim, record } from './hand-over.ts';
import type { TestApi } from './installation.ts';
import { newId } from './limiter-stores.ts';

let numbers = 0;
/** A Danish number that no request of this file has used. */
export const newPhone = (): string => {
  numbers += 1;
  return `+4520${300_000 + numbers}`;
};

/** An account with a phone number, and an SMS to it that was accepted. */
export const acceptSms = async (
  db: Database,
  api: TestApi,
  phone = newPhone(),
): Promise<{ readonly accountId: string; readonly messageId: string }> => {
  const [accountId, messageId] = [newId(), newId()];
  const addressKey = keyedHash(api.config.ADDRESS_HASH_KEY, 'address', defaultOrganizationId, phone);
  const elsewhere = keyedHash(api.config.ADDRESS_HASH_KEY, 'test', messageId);
  await db
    .insertInto('accounts')
    .values({ id: accountId, organization_id: defaultOrganizationId, phone, phone_key: addressKey })
    .execute();
  await acceptMessages(db, [
    {
      id: messageId,
      organizationId: defaultOrganizationId,
      subjectKey: elsewhere,
      addressKey,
      limitKey: elsewhere,
      ipKey: elsewhere,
      purpose: 'sms',
      channel: 'sms',
      contract: 'test',
      locale: null,
      redirectUrl: null,
      idempotency: null,
    },
  ]);
  return { accountId, messageId };
};

/** The same, handed over to a provider that took it or left us in the dark. */
export const sendSms = async (
  db: Database,
  api: TestApi,
  provider: 'twilio' | 'http',
  outcome: 'sent' | 'gave_up' = 'sent',
): Promise<{ readonly accountId: string; readonly messageId: string }> => {
  const sent = await acceptSms(db, api);
  const claimed = await claim(db, sent.messageId);
  await beginAttempt(db, api.config, claimed, provider);
  await record(
    db,
    claimed,
    outcome === 'sent'
      ? { status: 'sent', result: 'accepted', providerMessageId: `SM${sent.messageId.replaceAll('-', '')}` }
      : { status: 'gave_up', reason: 'timeout', result: 'ambiguous', code: 'timeout' },
  );
  return sent;
};
