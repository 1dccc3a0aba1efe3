import { parsePostmarkEvents } from './postmark-events.ts';
import { postmarkLookUp } from './postmark-look-up.ts';
import type { HeaderOptions, Provider } from './provider.ts';
import { verifySharedSecret } from './shared-secret.ts';

/**
 * Postmark, handed to over SMTP ("Sending email with SMTP" in its documentation) and heard through its
 * webhooks, which it does not sign. Without X-PM-KeepID it would replace our Message-ID.
 */
export const postmark = {
  name: 'postmark',
  carriesMail: 'smtp',
  // The server's token is both user name and password.
  smtpServer: { host: 'smtp.postmarkapp.com', port: 587, userIsPassword: true },
  // "We do not currently support idempotency keys."
  capabilities: { idempotencyKey: false, lookup: true, customId: true },
  metadataHeaders: (messageId: string, { messageStream }: HeaderOptions) => ({
    'X-PM-Metadata-mid': messageId,
    'X-PM-KeepID': 'true',
    'X-PM-TrackLinks': 'None',
    'X-PM-TrackOpens': 'false',
    ...(messageStream !== undefined && { 'X-PM-Message-Stream': messageStream }),
  }),
  untrackedLink: 'data-pm-no-track',
  webhook: { path: '/v1/postmark/webhook', verify: verifySharedSecret, parse: parsePostmarkEvents },
  lookUp: postmarkLookUp,
} as const satisfies Provider;
