import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { AppError } from '@reconfirm/core/app-error';
import type { DeliveryEvent } from '@reconfirm/core/delivery-event';
import type {
  AcceptedWebhook,
  ProviderWebhook,
  RefusedWebhook,
  WebhookRefusal,
  WebhookRequest,
  WebhookSettings,
} from '@reconfirm/core/providers/provider';
import { Secret } from '@reconfirm/core/secret';
import type { EventOutcome, IncomingEvent } from '@reconfirm/db/delivery-events';
import { callerAddressOf } from './client-address.ts';
import type { WebhookCalls } from './webhook-calls.ts';

/** Where a provider names no limit of its own; a single report is a few KiB. */
const bodySizeBytesMax = 256 * 1024;

export interface WebhookDependencies {
  readonly provider: { readonly name: string; readonly webhook: ProviderWebhook };
  /** PUBLIC_URL: what a signature over the URL was made for. */
  readonly publicUrl: string;
  readonly settings: WebhookSettings;
  /** What a provider's verdict may ask for; without it such a request is refused as forged. */
  readonly calls?: WebhookCalls;
  /** Stores all of a request or nothing. */
  readonly store: (events: readonly IncomingEvent[]) => Promise<readonly EventOutcome[]>;
  readonly counted: (provider: string, outcome: string) => void;
}

/**
 * One provider's webhook: raw bytes → signature → each report stored once → 200. Reports that could
 * not be stored answer 503, so that the provider sends them again; everything else that is well signed
 * answers 200, because anything else would be repeated for hours.
 */
export const webhookRoute =
  (deps: WebhookDependencies): FastifyPluginAsync =>
  async (app) => {
    const { provider } = deps;
    const { webhook } = provider;
    const bodyLimit = webhook.bodySizeBytesMax ?? bodySizeBytesMax;
    // Its own scope: here bodies stay bytes, whatever their type.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => {
      done(null, body);
    });

    app.post(webhook.path, { bodyLimit, schema: { hide: true } }, async (request, reply) => {
      const verdict = await judge(deps, request);
      if (!verdict.ok) {
        deps.counted(provider.name, verdict.reason);
        request.log.warn({ provider: provider.name, reason: verdict.reason }, 'webhook.refused');
        return reply.code(refusalStatus(webhook, verdict.reason)).send({ error: refusals[verdict.reason] });
      }
      if (verdict.late) {
        deps.counted(provider.name, 'late');
        request.log.warn({ provider: provider.name }, 'webhook.late');
      }
      if (verdict.confirmUrl !== undefined) {
        await deps.calls?.confirm(verdict.confirmUrl);
        deps.counted(provider.name, 'confirmed');
        request.log.info({ provider: provider.name }, 'webhook.subscription_confirmed');
      }
      const outcomes = await storeReports(deps, request, verdict);
      if (!outcomes.includes('replayed')) return { ok: true };
      return reply
        .code(webhook.finalRefusalStatus ?? 401)
        .send({ error: 'The signature was used before, with another body.' });
    });
  };

/** A verdict that needs a certificate is asked for again with it; what still needs one is forged. */
const judge = async (
  deps: WebhookDependencies,
  request: FastifyRequest,
): Promise<AcceptedWebhook | RefusedWebhook> => {
  const asked: WebhookRequest = {
    rawBody: Buffer.isBuffer(request.body) ? request.body : new Uint8Array(),
    contentType: request.headers['content-type'] ?? '',
    headers: request.headers,
    url: `${deps.publicUrl}${request.url}`,
    clientAddress: callerAddressOf(request),
    now: new Date(),
  };
  const { verify } = deps.provider.webhook;
  const verdict = verify(asked, deps.settings);
  if (verdict.ok || verdict.reason !== 'needs_certificate') return verdict;
  if (deps.calls === undefined) return { ok: false, reason: 'mismatch' };
  const url = verdict.certificateUrl;
  const again = verify(
    { ...asked, certificate: { url, pem: await deps.calls.certificate(url) } },
    deps.settings,
  );
  return again.ok || again.reason !== 'needs_certificate' ? again : { ok: false, reason: 'mismatch' };
};

const storeReports = async (
  deps: WebhookDependencies,
  request: FastifyRequest,
  verdict: AcceptedWebhook,
): Promise<readonly EventOutcome[]> => {
  const { provider } = deps;
  const { replayKey, bodyHash } = verdict;
  const events = provider.webhook.parse(verdict.body);
  const incoming = events.map((event) => ({ provider: provider.name, event, replayKey, bodyHash }));
  const outcomes = await deps.store(incoming).catch((cause: unknown) => {
    throw new AppError('database_unavailable', 'the events could not be stored', {
      cause,
      retryAfterSeconds: 5,
    });
  });
  // Well signed, and about no message: a test of the provider's, the end of a subscription.
  if (events.length === 0 && verdict.confirmUrl === undefined) deps.counted(provider.name, 'ignored');
  for (const [index, event] of events.entries()) tell(deps, request, event, outcomes[index] ?? 'repeated');
  return outcomes;
};

const tell = (
  deps: WebhookDependencies,
  request: FastifyRequest,
  { messageId, type }: DeliveryEvent,
  outcome: EventOutcome,
): void => {
  const provider = deps.provider.name;
  deps.counted(provider, outcome);
  request.log.info({ provider, messageId, type, outcome }, 'delivery.event_received');
};

/** A malformed body stays one however often it is sent; the other refusals may be our own settings, and a retry can still be taken. */
const refusalStatus = (webhook: ProviderWebhook, reason: WebhookRefusal): number =>
  reason === 'malformed' ? (webhook.finalRefusalStatus ?? 400) : 401;

/** The keys of a setting that holds one, or two with a comma while they are being replaced. */
export const signingKeysOf = (setting: Secret | undefined): readonly Secret[] =>
  (setting?.reveal() ?? '')
    .split(',')
    .filter((key) => key.trim() !== '')
    .map((key) => new Secret(key.trim()));

const refusals = {
  missing: 'The signature is missing.',
  stale: 'The timestamp is too old or too far in the future.',
  mismatch: 'The signature does not match.',
  no_key: 'This installation has no signing key for webhooks.',
  malformed: 'The body is not what the provider documents.',
  address: 'Reports are not taken from this address.',
  topic: 'The topic is not one of this installation.',
} as const satisfies Record<WebhookRefusal, string>;
