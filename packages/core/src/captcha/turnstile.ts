import { judgeSiteverify, type SiteverifyProvider } from './captcha.ts';

/**
 * Cloudflare Turnstile. The widget must carry `data-action`; the same `idempotency_key` (a UUID) makes
 * asking again safe (developers.cloudflare.com/turnstile/get-started/server-side-validation).
 */
export const turnstile = {
  name: 'turnstile',
  url: 'https://challenges.cloudflare.com/turnstile/v0/siteverify',
  answerSizeMax: 2048,
  mayAskAgain: true,
  form: ({ secret, answer, clientAddress, requestId }) => ({
    secret,
    response: answer,
    remoteip: clientAddress,
    idempotency_key: requestId,
  }),
  judge: (body, expected, now) =>
    judgeSiteverify(body, expected, now, { maxAgeSeconds: 300, tellsAction: 'always' }),
} as const satisfies SiteverifyProvider;
