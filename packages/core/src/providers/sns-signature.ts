import { verify, X509Certificate } from 'node:crypto';
import { sha256 } from './digest.ts';
import { judgeFreshness } from './freshness.ts';
import type { WebhookRequest, WebhookSettings, WebhookVerdict } from './provider.ts';
import { instantOfText } from './report.ts';
import { decodeJson, type Fields, fieldsOf, textOf } from './webhook-body.ts';

const certificateUrlPattern =
  /^https:\/\/sns\.[a-z0-9-]{1,40}\.amazonaws\.com(?:\.cn)?\/SimpleNotificationService-[A-Za-z0-9]{32}\.pem$/;
const confirmHostPattern = /^sns\.[a-z0-9-]{1,40}\.amazonaws\.com(?:\.cn)?$/;

const confirmationFields = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];

/** What is signed of each type, in this order; a field that a message does not have is left out. */
const signedFields: ReadonlyMap<string, readonly string[]> = new Map([
  ['Notification', ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']],
  ['SubscriptionConfirmation', confirmationFields],
  ['UnsubscribeConfirmation', confirmationFields],
]);

const textToSign = (fields: Fields, names: readonly string[]): string =>
  names
    .flatMap((name) => {
      const value = textOf(fields, name);
      return value === undefined ? [] : [`${name}\n${value}\n`];
    })
    .join('');

const readCertificate = (pem: string): X509Certificate | undefined => {
  try {
    return new X509Certificate(pem);
  } catch {
    // Not a certificate: what came cannot be verified by it.
    return undefined;
  }
};

const isSignedBy = (pem: string, version: string, signed: string, signature: string, now: Date): boolean => {
  const certificate = readCertificate(pem);
  if (certificate === undefined || certificate.publicKey.asymmetricKeyType !== 'rsa') return false;
  if (!(now >= certificate.validFromDate && now <= certificate.validToDate)) return false;
  const bytes = Buffer.from(signature, 'base64');
  if (bytes.toString('base64') !== signature) return false;
  return verify(version === '1' ? 'sha1' : 'sha256', Buffer.from(signed), certificate.publicKey, bytes);
};

/** The URL that confirms a subscription, when it is Amazon's and about that topic and nothing else. */
const confirmUrlOf = (fields: Fields): string | undefined => {
  const text = textOf(fields, 'SubscribeURL') ?? '';
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isAmazon = url.protocol === 'https:' && url.port === '' && confirmHostPattern.test(url.host);
  const isOurs =
    url.searchParams.get('Action') === 'ConfirmSubscription' &&
    url.searchParams.get('TopicArn') === textOf(fields, 'TopicArn');
  return isAmazon && isOurs && url.username === '' && url.password === '' ? url.href : undefined;
};

/**
 * Verifies a message of Amazon SNS ("Verifying the signatures of Amazon SNS messages"). In this order: the
 * topic must be ours, before anything is fetched for a stranger; the certificate's URL must be Amazon's own;
 * then RSA-SHA-256 (SignatureVersion 2), or SHA-1 (1) where that is allowed. Values are signed, not bytes:
 * spelling the same JSON differently changes nothing, and fields that are not signed decide nothing.
 */
export const verifySns = (request: WebhookRequest, settings: WebhookSettings): WebhookVerdict => {
  const { topicArns = [], allowsSha1 = false } = settings.sns ?? {};
  if (topicArns.length === 0) return { ok: false, reason: 'no_key' };
  const decoded = decodeJson(request.rawBody);
  if (typeof decoded !== 'object' || decoded === null || Array.isArray(decoded))
    return { ok: false, reason: 'malformed' };
  const fields = fieldsOf(decoded);
  const topic = textOf(fields, 'TopicArn');
  if (topic === undefined) return { ok: false, reason: 'missing' };
  if (!topicArns.includes(topic)) return { ok: false, reason: 'topic' };

  const names = signedFields.get(textOf(fields, 'Type') ?? '');
  const version = textOf(fields, 'SignatureVersion') ?? '';
  const signature = textOf(fields, 'Signature') ?? '';
  const certificateUrl = textOf(fields, 'SigningCertURL') ?? '';
  if (version === '' || signature === '' || certificateUrl === '') return { ok: false, reason: 'missing' };
  if (names === undefined) return { ok: false, reason: 'malformed' };
  const isVersionAllowed = version === '2' || (version === '1' && allowsSha1);
  if (!isVersionAllowed || !certificateUrlPattern.test(certificateUrl))
    return { ok: false, reason: 'mismatch' };

  const { certificate } = request;
  if (certificate?.url !== certificateUrl) return { ok: false, reason: 'needs_certificate', certificateUrl };
  const signed = textToSign(fields, names);
  if (!isSignedBy(certificate.pem, version, signed, signature, request.now))
    return { ok: false, reason: 'mismatch' };

  const signedAt = instantOfText(textOf(fields, 'Timestamp'));
  const freshness = judgeFreshness(signedAt?.getTime() ?? Number.NaN, request.now, settings);
  if (signedAt === undefined || freshness === 'stale') return { ok: false, reason: 'stale' };
  return accept(request, fields, freshness === 'late');
};

const accept = (request: WebhookRequest, fields: Fields, late: boolean): WebhookVerdict => {
  const isNotification = textOf(fields, 'Type') === 'Notification';
  const id = textOf(fields, 'MessageId') ?? '';
  const body = isNotification
    ? { id, message: decodeJson(Buffer.from(textOf(fields, 'Message') ?? '')) }
    : undefined;
  const accepted = { ok: true, bodyHash: sha256(request.rawBody), body, late } as const;
  if (textOf(fields, 'Type') !== 'SubscriptionConfirmation') return accepted;
  const confirmUrl = confirmUrlOf(fields);
  return confirmUrl === undefined ? { ok: false, reason: 'malformed' } : { ...accepted, confirmUrl };
};
