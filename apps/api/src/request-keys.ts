import { createHash } from 'node:crypto';
import type { EmailAddress } from '@reconfirm/core/account';
import { clientPrefix } from '@reconfirm/core/client-address';
import { derivedHash, keyedHash } from '@reconfirm/core/keyed-hash';
import type { Limit, LimitSubject } from '@reconfirm/core/limits';
import { uuidV7, uuidV8 } from '@reconfirm/core/message-id';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import type { Secret } from '@reconfirm/core/secret';
import { drawRandom } from './random-pool.ts';

/** Under which keys a request is stored, found, counted and ordered. None of them can be turned back. */
export interface RequestKeys {
  readonly messageId: string;
  /** The id of its charges: the same for every repetition of a request with the same idempotency key. */
  readonly chargeId: string;
  readonly subjectKey: Buffer;
  readonly addressKey: Buffer;
  readonly ip: LimitSubject;
  readonly address: LimitSubject;
  readonly idempotency: { readonly key: Buffer; readonly requestHash: Buffer } | null;
}

export interface KeySettings {
  readonly hashKey: Secret;
  readonly organizationId: string;
  readonly ipv6PrefixBits: number;
  readonly ipLimits: readonly Limit[];
  readonly addressLimits: readonly Limit[];
}

export interface KeyedRequest {
  readonly purpose: Purpose;
  readonly email: EmailAddress;
  readonly clientAddress: string;
  readonly idempotencyKey?: string | undefined;
  /** What else makes two requests with one idempotency key the same request. */
  readonly fingerprint?: readonly string[];
}

/** The key under which accounts and messages of an address are found. */
export const addressKeyOf = (
  settings: Pick<KeySettings, 'hashKey' | 'organizationId'>,
  lookupForm: string,
): Buffer => keyedHash(settings.hashKey, 'address', settings.organizationId, lookupForm);

/** The key that orders the messages of one address and purpose: the newest of them owns the live token. */
export const subjectKeyOf = (purposeName: string, addressKey: Uint8Array): Buffer =>
  derivedHash(`subject:${purposeName}`, addressKey);

/** The limits of one address for one purpose; all spellings of one mailbox share them. */
export const addressSubject = (
  settings: KeySettings,
  purpose: Purpose,
  email: EmailAddress,
  lookupKey: Uint8Array,
): LimitSubject => {
  // Most addresses have one form for both, and its hash is at hand.
  const isSameForm = email.limitForm === email.lookupForm;
  const mailboxKey = isSameForm ? lookupKey : addressKeyOf(settings, email.limitForm);
  return {
    kind: 'address',
    key: derivedHash(`limit:${purpose.name}`, mailboxKey),
    limits: settings.addressLimits,
  };
};

/** The limits of one client address, over everything it may ask for. */
const ipSubject = (settings: KeySettings, clientAddress: string): LimitSubject => ({
  kind: 'ip',
  key: keyedHash(settings.hashKey, 'ip', clientPrefix(clientAddress, settings.ipv6PrefixBits)),
  limits: settings.ipLimits,
});

export const makeRequestKeys = (settings: KeySettings, request: KeyedRequest): RequestKeys => {
  const { hashKey, organizationId } = settings;
  const { email, purpose, idempotencyKey } = request;
  const messageId = uuidV7(Date.now(), drawRandom(10));
  const addressKey = addressKeyOf(settings, email.lookupForm);
  const idempotency =
    idempotencyKey === undefined
      ? null
      : {
          key: keyedHash(hashKey, 'idempotency', organizationId, idempotencyKey),
          requestHash: keyedHash(
            hashKey,
            'request',
            purpose.name,
            email.lookupForm,
            ...(request.fingerprint ?? []),
          ),
        };
  return {
    messageId,
    // Key and request together, as charge_id() in the second migration: a key alone would let one charge
    // stand for any number of requests.
    chargeId:
      idempotency === null
        ? messageId
        : uuidV8(createHash('sha256').update(idempotency.key).update(idempotency.requestHash).digest()),
    subjectKey: subjectKeyOf(purpose.name, addressKey),
    addressKey,
    ip: ipSubject(settings, request.clientAddress),
    address: addressSubject(settings, purpose, email, addressKey),
    idempotency,
  };
};
