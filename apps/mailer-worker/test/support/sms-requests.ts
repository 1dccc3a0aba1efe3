import { randomBytes } from 'node:crypto';
import { keyedHash } from '@reconfirm/core/keyed-hash';
import { uuidV7 } from '@reconfirm/core/message-id';
import { seal } from '@reconfirm/core/sealed';
import { writeSealedContent } from '@reconfirm/core/sealed-content';
import { Secret } from '@reconfirm/core/secret';
import { parseKeyRing } from '@reconfirm/core/token';
import { acceptMessages, type MessageRequest } from '@reconfirm/db/accept-messages';
import type { Database } from '@reconfirm/db/database';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { hashKey } from './requests.ts';
import type { Scene } from './scene.ts';

const newId = (): string => uuidV7(Date.now(), randomBytes(10));

const phoneKeyOf = (phone: string): Buffer => keyedHash(hashKey, 'address', defaultOrganizationId, phone);

/** Accepts a request for an SMS to a number, registered or not; resolves with its id. */
export const requestSms = async (
  db: Database,
  phone: string,
  changes: Partial<MessageRequest> = {},
): Promise<string> => {
  const id = changes.id ?? newId();
  await acceptMessages(db, [
    {
      id,
      organizationId: defaultOrganizationId,
      subjectKey: keyedHash(hashKey, 'subject', 'sms', phone),
      addressKey: phoneKeyOf(phone),
      limitKey: keyedHash(hashKey, 'limit', 'sms', phone),
      ipKey: keyedHash(hashKey, 'ip', '192.0.2.1'),
      purpose: 'sms',
      channel: 'sms',
      contract: 'test',
      locale: null,
      redirectUrl: null,
      idempotency: null,
      ...changes,
    },
  ]);
  return id;
};

/** Registers an account with a phone number and asks for its first SMS. */
export const registerPhone = async (
  db: Database,
  phone: string,
  changes: Partial<MessageRequest> = {},
): Promise<{ readonly accountId: string; readonly messageId: string }> => {
  const accountId = newId();
  await db
    .insertInto('accounts')
    .values({ id: accountId, organization_id: defaultOrganizationId, phone, phone_key: phoneKeyOf(phone) })
    .execute();
  return { accountId, messageId: await requestSms(db, phone, changes) };
};

/** The row of a code that another system made, as the API writes it. */
export const relaySms = async (
  scene: Pick<Scene, 'db' | 'environment'>,
  phone: string,
  code: string,
): Promise<string> => {
  const ring = parseKeyRing(scene.environment()['TOKEN_KEYS'] ?? '');
  if ('problem' in ring) throw new Error(ring.problem);
  const id = newId();
  const content = {
    kind: 'relayed',
    to: phone,
    template: 'magiclink',
    link: null,
    code,
    name: null,
  } as const;
  const text = new Secret(writeSealedContent({ ...content, lifetimeSeconds: 600 }));
  return requestSms(scene.db, phone, {
    id,
    purpose: 'relayed_sms',
    sealed: seal(ring, text, id, randomBytes(12)),
  });
};

/** The settings of a worker that sends SMS to a gateway of one's own. */
export const httpSms = (url: string) => ({
  SMS_PROVIDER: 'http',
  SMS_HTTP_URL: `${url}/sms`,
  SMS_HTTP_TOKEN: 'token-of-the-gateway',
  SMS_COUNTRIES: 'DK,SE',
  SMS_PRICES: 'DK=0.05,default=0.10',
  SMS_TIMEOUT_SECONDS: '2',
});

export const twilioToken = '0123456789abcdef0123456789abcdef';
export const twilioAccount = 'AC0123456789abcdef0123456789abcdef';

export const twilioSms = (url: string) => ({
  SMS_PROVIDER: 'twilio',
  TWILIO_API_URL: url,
  TWILIO_ACCOUNT_SID: twilioAccount,
  TWILIO_AUTH_TOKEN: `${twilioToken},older-token`,
  SMS_FROM: '+15005550006',
  SMS_COUNTRIES: 'DK,SE',
  SMS_PRICES: 'default=0.10',
  SMS_TIMEOUT_SECONDS: '2',
});

let numbers = 0;
/** A Danish number that no other test of this file uses, each in a block of its own. */
export const newNumber = (): string => {
  numbers += 1;
  return `+45${20_100 + numbers}456`;
};

/** What was reserved for a message, attempt by attempt. */
export const spendOf = (db: Database, messageId: string) =>
  db
    .selectFrom('sms_sends')
    .select(['attempt', 'country', 'prefix', 'cost_micros', 'judged', 'released_at', 'verified_at'])
    .where('message_id', '=', messageId)
    .orderBy('attempt')
    .execute();
