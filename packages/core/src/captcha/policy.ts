import type { Channel } from '../destination.ts';

/** CAPTCHA_WHEN: of every request, or in place of the client's limit once that is used up. */
export type CaptchaWhen = 'always' | 'ip_full';

/**
 * Whether a request goes on when nobody can say whether its captcha was solved. An SMS costs money and is
 * what pumping is after, so it never does; for mail the limits still hold.
 */
export const goesOnWithoutCaptcha = (channel: Channel, onOutage: 'open' | 'closed'): boolean =>
  channel === 'email' && onOutage === 'open';
