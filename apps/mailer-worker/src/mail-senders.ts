import type { WorkerConfig } from '@reconfirm/core/config/config';
import { type RedirectRule, withOwnOrigin } from '@reconfirm/core/redirect';
import type { Brand } from './render-brand.ts';
import type { Mailbox } from './transports/transport.ts';

/** In whose name an organization's messages are sent. */
export interface MailSender {
  readonly brand: Brand;
  readonly from: Mailbox;
  readonly replyTo: Mailbox | undefined;
  /** Where links may lead, our own page included. */
  readonly redirects: RedirectRule;
  readonly defaultLocale: string;
}

type SenderConfig = Pick<
  WorkerConfig,
  | 'BRAND_NAME'
  | 'BRAND_LOGO_URL'
  | 'BRAND_LOGO_DARK_URL'
  | 'BRAND_BUTTON_COLOR'
  | 'BRAND_BUTTON_TEXT_COLOR'
  | 'SUPPORT_URL'
  | 'MAIL_FROM'
  | 'MAIL_REPLY_TO'
  | 'REDIRECT_ORIGINS'
  | 'PUBLIC_URL'
  | 'DEFAULT_LOCALE'
>;

/** The sender that a configuration describes; made once for each. */
export const mailSenders = (configOf: (organizationId: string) => SenderConfig) => {
  const made = new WeakMap<SenderConfig, MailSender>();
  return (organizationId: string): MailSender => {
    const config = configOf(organizationId);
    const known = made.get(config);
    if (known !== undefined) return known;
    const sender: MailSender = {
      brand: {
        name: config.BRAND_NAME,
        logoUrl: config.BRAND_LOGO_URL,
        logoDarkUrl: config.BRAND_LOGO_DARK_URL,
        buttonColor: config.BRAND_BUTTON_COLOR,
        buttonTextColor: config.BRAND_BUTTON_TEXT_COLOR,
        supportUrl: config.SUPPORT_URL,
      },
      from: config.MAIL_FROM,
      replyTo: config.MAIL_REPLY_TO,
      redirects: withOwnOrigin(config.REDIRECT_ORIGINS, config.PUBLIC_URL),
      defaultLocale: config.DEFAULT_LOCALE,
    };
    made.set(config, sender);
    return sender;
  };
};
