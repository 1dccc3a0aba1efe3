import type { DeliveryEvent } from '../delivery-event.ts';
import type { Meaning } from '../providers/report.ts';
import { isUuid } from '../message-id.ts';
import type { WebhookRequest, WebhookSettings, WebhookVerdict } from '../providers/provider.ts';
import { sha256 } from '../providers/digest.ts';
import { verifyStandardWebhook } from '../providers/standard-webhook-signature.ts';
import { decodeJson, fieldsOf, textOf } from '../providers/webhook-body.ts';
import { endsNumber, type SmsFailure, type SmsFailureCode, smsFailureClauses } from '../sms-failure.ts';
import { failed, providerIdPattern, verdictOfStatus } from './answer.ts';
import type {
  OutgoingSms,
  SmsHttpAnswer,
  SmsHttpRequest,
  SmsProvider,
  SmsSettings,
  SmsVerdict,
} from './provider.ts';

const path = '/v1/sms/webhook';

const problems = (settings: SmsSettings): readonly string[] =>
  /^https?:\/\//.test(settings.apiUrl) ? [] : ['SMS_HTTP_URL is required with SMS_PROVIDER=http'];

/** One JSON object for each message; docs/sms.md is its contract. A repetition carries the same key. */
const buildRequest = (sms: OutgoingSms, settings: SmsSettings): SmsHttpRequest => ({
  method: 'POST',
  url: settings.apiUrl,
  headers: {
    ...(settings.secret !== undefined && { authorization: `Bearer ${settings.secret.reveal()}` }),
    'content-type': 'application/json',
    accept: 'application/json',
    'idempotency-key': sms.messageId,
  },
  body: JSON.stringify({
    id: sms.messageId,
    to: sms.to,
    ...(settings.from !== '' && { from: settings.from }),
    text: sms.text,
    callbackUrl: new URL(path, settings.publicUrl).href,
  }),
});

/** The words in which a gateway may say what is wrong; they go before its status. */
const words: ReadonlyMap<string, SmsFailure['kind']> = new Map<SmsFailureCode, SmsFailure['kind']>([
  ['number_invalid', 'permanent'],
  ['number_not_mobile', 'permanent'],
  ['number_unreachable', 'permanent'],
  ['number_unknown', 'permanent'],
  ['opted_out', 'permanent'],
  ['country_not_permitted', 'permanent'],
  ['route_missing', 'permanent'],
  ['filtered', 'permanent'],
  ['message_refused', 'permanent'],
  ['sender_refused', 'misconfigured'],
  ['auth', 'misconfigured'],
  ['quota', 'misconfigured'],
  ['throttled', 'transient'],
]);

const wordOf = (text: string | undefined): SmsFailureCode | undefined =>
  text !== undefined && words.has(text) ? (text as SmsFailureCode) : undefined;

const readAnswer = (answer: SmsHttpAnswer): SmsVerdict => {
  const body = fieldsOf(decodeJson(Buffer.from(answer.body)));
  if (answer.status >= 200 && answer.status < 300) {
    const id = textOf(body, 'id') ?? '';
    return { kind: 'accepted', ...(providerIdPattern.test(id) && { providerMessageId: id }) };
  }
  const word = wordOf(textOf(body, 'code'));
  const kind = words.get(word ?? '');
  return word === undefined || kind === undefined || answer.status >= 500
    ? verdictOfStatus(answer, true)
    : failed(answer, kind, word);
};

const verify = (request: WebhookRequest, settings: WebhookSettings): WebhookVerdict => {
  const verified = verifyStandardWebhook(request, settings, 'webhook');
  if (!verified.ok) return verified;
  const report = decodeJson(request.rawBody);
  if (typeof report !== 'object' || report === null || Array.isArray(report))
    return { ok: false, reason: 'malformed' };
  const { id, signedAt: sentAt, freshness } = verified;
  // A gateway signs a retry anew under the same id: the id is what is used once, and its body may not change.
  return {
    ok: true,
    replayKey: sha256(id),
    bodyHash: sha256(request.rawBody),
    body: { id, sentAt, report },
    late: freshness === 'late',
  };
};

const meaningsByType: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['sms.accepted', { type: 'accepted' }],
  ['sms.sent', { type: 'accepted' }],
  ['sms.deferred', { type: 'deferred' }],
  ['sms.delivered', { type: 'delivered' }],
  ['sms.failed', { type: 'bounced', bounce: 'soft' }],
  ['sms.opted_out', { type: 'complained' }],
]);

/** The report in a verified body: one or none. Our id is taken from the signed body, never from the URL. */
const parse = (body: unknown): readonly DeliveryEvent[] => {
  const { id, sentAt, report } = fieldsOf(body);
  const fields = fieldsOf(report);
  const data = fieldsOf(fields['data']);
  const ours = textOf(data, 'id') ?? '';
  const providerId = textOf(data, 'providerId') ?? '';
  const type = textOf(fields, 'type') ?? '';
  const isNamed = isUuid(ours) || providerIdPattern.test(providerId);
  if (type === '' || !isNamed || typeof id !== 'string' || !(sentAt instanceof Date)) return [];

  const code = wordOf(textOf(data, 'code'));
  const meaning = meaningsByType.get(type) ?? { type: 'unknown' };
  const isHard = meaning.type === 'bounced' && code !== undefined && endsNumber.has(code);
  return [
    {
      ...(isHard ? { type: 'bounced', bounce: 'hard' } : meaning),
      eventId: id,
      ...(isUuid(ours) && { messageId: ours }),
      ...(providerIdPattern.test(providerId) && { providerMessageId: providerId }),
      occurredAt: sentAt,
      ...(code !== undefined && { reason: `${code}: ${smsFailureClauses[code]}` }),
    },
  ];
};

/** Any gateway that speaks the small contract of docs/sms.md: the local inbox, or an adapter of one's own. */
export const genericHttp = {
  name: 'http',
  carriesSms: 'http',
  capabilities: { idempotencyKey: true, lookup: false, customId: true },
  http: { problems, buildRequest, readAnswer },
  webhook: { path, verify, parse },
} as const satisfies SmsProvider;
