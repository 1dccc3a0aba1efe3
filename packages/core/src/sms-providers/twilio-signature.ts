import { createHmac } from 'node:crypto';
import { isSameText, sha256 } from '../providers/digest.ts';
import type { WebhookRequest, WebhookSettings, WebhookVerdict } from '../providers/provider.ts';
import { decodeForm, decodeJson, fieldsOf, headerOf } from '../providers/webhook-body.ts';

const macOf = (token: string, text: string): string =>
  createHmac('sha1', token).update(text).digest('base64');

/** Twilio signs the URL with or without its port, depending on the product and the port. */
const spellingsOf = (url: string): readonly string[] => {
  if (!URL.canParse(url)) return [url];
  const { protocol, hostname, port } = new URL(url);
  const rest = url.replace(/^[a-z]+:\/\/[^/?#]*/i, '');
  const withPort = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
  return [`${protocol}//${hostname}${rest}`, `${protocol}//${hostname}:${withPort}${rest}`];
};

/** Names in order, each followed by its values: what the form adds to the signed text. */
const signedFields = (rawBody: Uint8Array): string => {
  const values = new Map<string, Set<string>>();
  for (const [name, value] of new URLSearchParams(Buffer.from(rawBody).toString('utf8')))
    values.set(name, (values.get(name) ?? new Set()).add(value));
  return [...values]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]) =>
      [...own]
        .toSorted()
        .map((value) => name + value)
        .join(''),
    )
    .join('');
};

/** What a verified request holds, for `parse`: its fields, our id out of the signed URL, and when it came. */
export interface TwilioReport {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly messageId: string;
  readonly receivedAt: Date;
}

/**
 * Verifies X-Twilio-Signature ("Webhooks Security" in Twilio's documentation): base64(HMAC-SHA-1(auth token,
 * URL + sorted fields)), or for JSON the URL alone, whose `bodySHA256` covers the body. There is no time in
 * it, so nothing is ever stale: a repeated report is known by its id. All tokens are tried, whichever matches.
 */
export const verifyTwilioWebhook = (request: WebhookRequest, settings: WebhookSettings): WebhookVerdict => {
  const tokens = settings.signingKeys.map((key) => key.reveal()).filter((key) => key.trim() !== '');
  if (tokens.length === 0) return { ok: false, reason: 'no_key' };
  const signature = headerOf(request.headers, 'x-twilio-signature') ?? '';
  if (signature === '') return { ok: false, reason: 'missing' };
  const query = URL.canParse(request.url) ? new URL(request.url).searchParams : new URLSearchParams();
  const bodyDigest = query.get('bodySHA256');
  const isForm = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i.test(request.contentType);
  if (!isForm && bodyDigest === null) return { ok: false, reason: 'malformed' };

  const suffix = isForm ? signedFields(request.rawBody) : '';
  const matches = tokens.flatMap((token) =>
    spellingsOf(request.url).map((url) => isSameText(signature, macOf(token, url + suffix))),
  );
  const isBody =
    isForm || isSameText((bodyDigest ?? '').toLowerCase(), sha256(request.rawBody).toString('hex'));
  if (!matches.includes(true) || !isBody) return { ok: false, reason: 'mismatch' };

  const decoded = isForm ? decodeForm(request.rawBody, new Set()) : decodeJson(request.rawBody);
  if (typeof decoded !== 'object' || decoded === null || Array.isArray(decoded))
    return { ok: false, reason: 'malformed' };
  const body: TwilioReport = {
    fields: fieldsOf(decoded),
    messageId: query.get('m') ?? '',
    receivedAt: request.now,
  };
  return { ok: true, replayKey: sha256(signature), bodyHash: sha256(request.rawBody), body, late: false };
};
