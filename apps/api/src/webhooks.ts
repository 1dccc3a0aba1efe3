import type { FastifyPluginAsync } from 'fastify';
import { AppError } from '@reconfirm/core/app-error';
import type { ProviderWebhook, WebhookSettings } from '@reconfirm/core/providers/provider';
import { Secret } from '@reconfirm/core/secret';
import type { EventOutcome, IncomingEvent } from '@reconfirm/db/delivery-events';

/** A batch of a provider may be large; a single report is a few KiB. */
const bodySizeBytesMax = 256 * 1024;

export interface WebhookDependencies {
  readonly provider: { readonly name: string; readonly webhook: ProviderWebhook };
  readonly path: string;
  /** PUBLIC_URL: what a signature over the URL was made for. */
  readonly publicUrl: string;
  readonly settings: WebhookSettings;
  readonly store: (event: IncomingEvent) => Promise<EventOutcome>;
  readonly counted: (provider: string, outcome: string) => void;
}

/**
 * One provider's webhook: raw bytes → signature → each report stored once → 200. A report that could
 * not be stored answers 503, so that the provider sends it again; everything else that is well signed
 * answers 200, because anything else would be repeated for hours.
 */
export const webhookRoute =
  (deps: WebhookDependencies): FastifyPluginAsync =>
  async (app) => {
    // Its own scope: here bodies stay bytes, whatever their type.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: bodySizeBytesMax },
      (_request, body, done) => {
        done(null, body);
      },
    );

    app.post(deps.path, { bodyLimit: bodySizeBytesMax, schema: { hide: true } }, async (request, reply) => {
      const { provider } = deps;
      const verdict = provider.webhook.verify(
        {
          rawBody: Buffer.isBuffer(request.body) ? request.body : new Uint8Array(),
          contentType: request.headers['content-type'] ?? '',
          headers: request.headers,
          url: `${deps.publicUrl}${request.url}`,
          now: new Date(),
        },
        deps.settings,
      );
      if (!verdict.ok) {
        deps.counted(provider.name, verdict.reason);
        request.log.warn({ provider: provider.name, reason: verdict.reason }, 'webhook.refused');
        return reply
          .code(verdict.reason === 'malformed' ? 400 : 401)
          .send({ error: refusals[verdict.reason] });
      }
      for (const event of provider.webhook.parse(verdict.body)) {
        const incoming = {
          provider: provider.name,
          event,
          replayKey: verdict.replayKey,
          bodyHash: verdict.bodyHash,
        };
        const outcome = await deps.store(incoming).catch((cause: unknown) => {
          throw new AppError('database_unavailable', 'the event could not be stored', {
            cause,
            retryAfterSeconds: 5,
          });
        });
        deps.counted(provider.name, outcome);
        request.log.info(
          { provider: provider.name, messageId: event.messageId, type: event.type, outcome },
          'delivery.event_received',
        );
        if (outcome === 'replayed')
          return reply.code(401).send({ error: 'The signature was used before, with another body.' });
      }
      return { ok: true };
    });
  };

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
} as const;
