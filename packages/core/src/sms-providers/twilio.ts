import type { DeliveryEvent } from '../delivery-event.ts';
import { basicAuthorization, type ProviderLookUp, reportsOf } from '../providers/look-up.ts';
import type { Meaning } from '../providers/report.ts';
import { isUuid } from '../message-id.ts';
import { decodeJson, fieldsOf, textOf } from '../providers/webhook-body.ts';
import { endsNumber, type SmsFailureCode, smsFailureClauses } from '../sms-failure.ts';
import { failed, providerIdPattern, verdictOfStatus } from './answer.ts';
import type {
  OutgoingSms,
  SmsHttpAnswer,
  SmsHttpRequest,
  SmsProvider,
  SmsSettings,
  SmsVerdict,
} from './provider.ts';
import { twilioCodes } from './twilio-codes.ts';
import { verifyTwilioWebhook } from './twilio-signature.ts';

const path = '/v1/twilio/webhook';

const problems = (settings: SmsSettings): readonly string[] => [
  ...(/^AC[0-9a-f]{32}$/i.test(settings.accountId)
    ? []
    : ['TWILIO_ACCOUNT_SID must be an account SID (AC and 32 digits) with SMS_PROVIDER=twilio']),
  ...(settings.secret === undefined ? ['TWILIO_AUTH_TOKEN is required with SMS_PROVIDER=twilio'] : []),
  ...(settings.from === '' ? ['SMS_FROM is required with SMS_PROVIDER=twilio'] : []),
];

/** A pool of senders is named by its SID ("Messaging Services" in Twilio's documentation). */
const senderOf = (from: string): [string, string] =>
  /^MG[0-9a-f]{32}$/i.test(from) ? ['MessagingServiceSid', from] : ['From', from];

/** `POST /2010-04-01/Accounts/{sid}/Messages.json`. Twilio has no idempotency key; our id travels in the callback. */
const buildRequest = (sms: OutgoingSms, settings: SmsSettings): SmsHttpRequest => {
  const callback = new URL(path, settings.publicUrl);
  callback.searchParams.set('m', sms.messageId);
  return {
    method: 'POST',
    url: `${settings.apiUrl}/2010-04-01/Accounts/${settings.accountId}/Messages.json`,
    headers: {
      authorization: basicAuthorization(settings.accountId, settings.secret?.reveal() ?? ''),
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: new URLSearchParams([
      ['To', sms.to],
      senderOf(settings.from),
      ['Body', sms.text],
      ['StatusCallback', callback.href],
    ]).toString(),
  };
};

const readAnswer = (answer: SmsHttpAnswer): SmsVerdict => {
  const body = fieldsOf(decodeJson(Buffer.from(answer.body)));
  const sid = textOf(body, 'sid') ?? '';
  const code = textOf(body, 'code') ?? textOf(body, 'error_code') ?? '';
  const known = twilioCodes.get(code);
  const word = /^\d{5}$/.test(code) ? code : undefined;
  const isSuccess = answer.status >= 200 && answer.status < 300;
  const isRefused = ['failed', 'undelivered'].includes(textOf(body, 'status') ?? '');
  if (isSuccess && !isRefused)
    return providerIdPattern.test(sid)
      ? { kind: 'accepted', providerMessageId: sid }
      : verdictOfStatus(answer, false);
  if (isSuccess) return failed(answer, 'permanent', known?.code ?? 'message_refused', word);
  // A code of a 5xx does not make it certain that nothing was taken.
  if (known === undefined || answer.status >= 500) return verdictOfStatus(answer, false, word);
  return failed(answer, known.kind, known.code, word);
};

/** MessageStatus ("Message resource" in Twilio's documentation); names that are not here say nothing. */
const meaningsByStatus: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['accepted', { type: 'accepted' }],
  ['scheduled', { type: 'accepted' }],
  ['queued', { type: 'accepted' }],
  ['sending', { type: 'accepted' }],
  ['sent', { type: 'accepted' }],
  ['delivered', { type: 'delivered' }],
  ['read', { type: 'delivered' }],
  ['undelivered', { type: 'bounced', bounce: 'soft' }],
  ['failed', { type: 'bounced', bounce: 'soft' }],
  ['canceled', { type: 'failed' }],
]);

const meaningOf = (status: string, code: SmsFailureCode | undefined): Meaning => {
  const meaning = meaningsByStatus.get(status) ?? { type: 'unknown' };
  if (meaning.type !== 'bounced' || code === undefined) return meaning;
  if (code === 'opted_out') return { type: 'complained' };
  return endsNumber.has(code) ? { type: 'bounced', bounce: 'hard' } : meaning;
};

const sidPattern = /^[A-Za-z0-9]{1,40}$/;

/** The report in a verified request: one or none. None when it names no message or no state. */
const parse = (body: unknown): readonly DeliveryEvent[] => {
  const report = fieldsOf(body);
  const fields = fieldsOf(report['fields']);
  const sid = textOf(fields, 'MessageSid') ?? textOf(fields, 'SmsSid') ?? '';
  const status = textOf(fields, 'MessageStatus') ?? textOf(fields, 'SmsStatus') ?? '';
  const receivedAt = report['receivedAt'];
  const ours = textOf(report, 'messageId') ?? '';
  if (!sidPattern.test(sid) || !/^[a-z_]{1,30}$/.test(status) || !(receivedAt instanceof Date)) return [];

  const errorCode = textOf(fields, 'ErrorCode') ?? '';
  const code = twilioCodes.get(errorCode)?.code;
  const word = /^\d{5}$/.test(errorCode) && errorCode !== '00000' ? errorCode : undefined;
  const clause = code === undefined ? status : smsFailureClauses[code];
  return [
    {
      ...meaningOf(status, code),
      eventId: `${sid}/${status}`,
      ...(isUuid(ours) && { messageId: ours }),
      providerMessageId: sid,
      // Reports carry no time of their own.
      occurredAt: receivedAt,
      ...(word !== undefined && { reason: `${word}: ${clause}` }),
    },
  ];
};

/**
 * `GET /2010-04-01/Accounts/{sid}/Messages/{sid}.json` ("Fetch a Message resource"). Its state is what a report
 * says, under the same id, so one of the two counts. The answer holds the number and the text with its code.
 */
const lookUp: ProviderLookUp = {
  apiUrl: 'https://api.twilio.com',
  // An account may have about a hundred requests of reading at once; one after the other is far below.
  spacingMs: 200,
  ask: (message, { apiUrl, accountId, key }) => {
    const sid = message.providerMessageId ?? '';
    if (!sidPattern.test(sid)) return null;
    return {
      request: {
        url: `${apiUrl}/2010-04-01/Accounts/${accountId}/Messages/${sid}.json`,
        headers: { authorization: basicAuthorization(accountId, key.reveal()), accept: 'application/json' },
      },
      notFound: 'unknown',
      read: (body) => {
        const resource = fieldsOf(body);
        const status = textOf(resource, 'status');
        if (status === undefined || textOf(resource, 'sid') !== sid) return undefined;
        const atMs = Date.parse(textOf(resource, 'date_updated') ?? '');
        const fields = {
          MessageSid: sid,
          MessageStatus: status,
          ErrorCode: textOf(resource, 'error_code'),
        };
        const receivedAt = Number.isFinite(atMs) ? new Date(atMs) : message.now;
        return { events: reportsOf(message, parse({ fields, receivedAt })) };
      },
    };
  },
};

/** Twilio's Programmable Messaging. */
export const twilio = {
  name: 'twilio',
  carriesSms: 'http',
  capabilities: { idempotencyKey: false, lookup: true, customId: true },
  http: { problems, buildRequest, readAnswer },
  webhook: { path, verify: verifyTwilioWebhook, parse },
  lookUp,
} as const satisfies SmsProvider;
