import { judgeSiteverify, type SiteverifyProvider } from './captcha.ts';

/** hCaptcha: a form only (JSON is refused), asked once; it tells no action (docs.hcaptcha.com, "Verify the User Response"). */
export const hcaptcha = {
  name: 'hcaptcha',
  url: 'https://api.hcaptcha.com/siteverify',
  answerSizeMax: 8192,
  mayAskAgain: false,
  form: ({ secret, answer, clientAddress, siteKey }) => ({
    secret,
    response: answer,
    remoteip: clientAddress,
    ...(siteKey === undefined ? {} : { sitekey: siteKey }),
  }),
  judge: (body, expected, now) =>
    judgeSiteverify(body, expected, now, { maxAgeSeconds: 120, tellsAction: 'never' }),
} as const satisfies SiteverifyProvider;
