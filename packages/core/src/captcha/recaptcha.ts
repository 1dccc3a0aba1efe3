import { judgeSiteverify, type SiteverifyProvider } from './captcha.ts';

/** Google reCAPTCHA v2 and v3; the answer has a score with v3 only, and then an action too (developers.google.com/recaptcha/docs/verify). */
export const recaptcha = {
  name: 'recaptcha',
  url: 'https://www.google.com/recaptcha/api/siteverify',
  answerSizeMax: 8192,
  mayAskAgain: false,
  form: ({ secret, answer, clientAddress }) => ({ secret, response: answer, remoteip: clientAddress }),
  judge: (body, expected, now) =>
    judgeSiteverify(body, expected, now, { maxAgeSeconds: 120, tellsAction: 'with_score' }),
} as const satisfies SiteverifyProvider;
