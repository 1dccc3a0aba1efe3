import { createHash } from 'node:crypto';
import { clientPrefix } from '@reconfirm/core/client-address';
import type { Destination } from '@reconfirm/core/destination';
import { derivedHash, keyedHash } from '@reconfirm/core/keyed-hash';
import type { ContractLimits, LimitDecision, LimitSubject, RememberSeconds } from '@reconfirm/core/limits';
import { uuidV7, uuidV8 } from '@reconfirm/core/message-id';
import { orderedBy, type Purpose } from '@reconfirm/core/purposes/purpose';
import { purposeNames } from '@reconfirm/core/purposes/registry';
import { relayedTemplates } from '@reconfirm/core/sealed-content';
import type { Secret } from '@reconfirm/core/secret';
import { drawRandom } from '@reconfirm/process/random-pool';
import type { Charge } from './limiter/charge-all.ts';

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
  readonly ipv6PrefixBits: number;
  /** How long the limits of any contract look back. */
  readonly rememberSeconds: RememberSeconds;
}

/** Whom a request is counted against: an address, or a server's key where it did not say for whom it asks. */
export type Client = string | { readonly ofCaller: string };

export interface KeyedRequest {
  readonly organizationId: string;
  readonly purpose: Purpose;
  /** What is ordered and counted by itself, where one purpose stands for several: a relayed mail's kind. */
  readonly subjectName?: string | undefined;
  readonly destination: Destination;
  readonly limits: ContractLimits;
  readonly clientAddress: Client;
  /** Who asks, for a purpose that is ordered by the account. */
  readonly change?: { readonly accountId: string; readonly side: string } | null;
  readonly idempotencyKey?: string | undefined;
  /** What else makes two requests with one idempotency key the same request. */
  readonly fingerprint?: readonly string[];
}

/** What a request was charged: its address, and its client unless a captcha stood in for a limit that was used up. */
export const chargesOf = (
  { ip, address, chargeId }: RequestKeys,
  ofClient: LimitDecision,
): readonly Charge[] => [
  ...(ofClient.allowed ? [{ subject: ip, chargeId }] : []),
  { subject: address, chargeId },
];

/** The key under which accounts and messages of an address or a phone number are found. */
export const addressKeyOf = (
  { hashKey }: Pick<KeySettings, 'hashKey'>,
  organizationId: string,
  lookupForm: string,
): Buffer => keyedHash(hashKey, 'address', organizationId, lookupForm);

/** The key that orders the messages of one address and purpose: the newest of them owns the live token. */
export const subjectKeyOf = (purposeName: string, addressKey: Uint8Array): Buffer =>
  derivedHash(`subject:${purposeName}`, addressKey);

/** Every subject that messages of an address may have been ordered by. */
export const subjectKeysOf = (addressKey: Uint8Array): readonly Buffer[] =>
  [...purposeNames, ...relayedTemplates.map((template) => `relayed_${template}`)].map((name) =>
    subjectKeyOf(name, addressKey),
  );

/** The key that orders the messages of one account and purpose, for each side of a change by itself. */
export const accountSubjectKeyOf = (purposeName: string, accountId: string, side: string): Buffer =>
  derivedHash(`subject:${purposeName}:${side}`, Buffer.from(accountId));

/** The limits of one address for one purpose; all spellings of one mailbox share them. */
export const addressSubject = (
  settings: KeySettings,
  request: Pick<KeyedRequest, 'organizationId' | 'purpose' | 'subjectName' | 'destination' | 'limits'>,
  lookupKey: Uint8Array,
): LimitSubject => {
  const { organizationId, purpose, destination, limits } = request;
  // Most addresses have one form for both, and its hash is at hand.
  const isSameForm = destination.limitForm === destination.lookupForm;
  const isSms = destination.channel === 'sms';
  const mailboxKey = isSameForm ? lookupKey : addressKeyOf(settings, organizationId, destination.limitForm);
  return {
    kind: 'address',
    key: derivedHash(`limit:${request.subjectName ?? purpose.name}`, mailboxKey),
    limits: limits.purposes?.get(purpose.name)?.limits ?? limits[isSms ? 'phone' : 'email'],
    rememberSeconds: settings.rememberSeconds[isSms ? 'phone' : 'email'],
  };
};

/** The limits of one client address, over everything it may ask for. */
const ipSubject = (
  settings: KeySettings,
  { clientAddress, limits }: Pick<KeyedRequest, 'clientAddress' | 'limits'>,
): LimitSubject => ({
  kind: 'ip',
  key:
    typeof clientAddress === 'string'
      ? keyedHash(settings.hashKey, 'ip', clientPrefix(clientAddress, settings.ipv6PrefixBits))
      : keyedHash(settings.hashKey, 'caller', clientAddress.ofCaller),
  limits: limits.ip,
  rememberSeconds: settings.rememberSeconds.ip,
});

export const makeRequestKeys = (settings: KeySettings, request: KeyedRequest): RequestKeys => {
  const { hashKey } = settings;
  const { organizationId, destination, purpose, idempotencyKey, change } = request;
  const messageId = uuidV7(Date.now(), drawRandom(10));
  const addressKey = addressKeyOf(settings, organizationId, destination.lookupForm);
  const idempotency =
    idempotencyKey === undefined
      ? null
      : {
          key: keyedHash(hashKey, 'idempotency', organizationId, idempotencyKey),
          requestHash: keyedHash(
            hashKey,
            'request',
            purpose.name,
            destination.lookupForm,
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
    subjectKey:
      orderedBy(purpose) === 'account' && change
        ? accountSubjectKeyOf(purpose.name, change.accountId, change.side)
        : subjectKeyOf(request.subjectName ?? purpose.name, addressKey),
    addressKey,
    ip: ipSubject(settings, request),
    address: addressSubject(settings, request, addressKey),
    idempotency,
  };
};
