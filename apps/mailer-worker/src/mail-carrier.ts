import type { WorkerConfig } from '@reconfirm/core/config/config';
import { linkPageOf } from '@reconfirm/core/contract';
import { chooseLocale } from '@reconfirm/core/locale';
import { messageIdHeader } from '@reconfirm/core/message-id';
import type { Provider } from '@reconfirm/core/providers/provider';
import { judgeRedirect, type RedirectRule, verificationLink, withOwnOrigin } from '@reconfirm/core/redirect';
import type { Account } from '@reconfirm/core/account';
import type { ClaimedMessage } from '@reconfirm/db/claims';
import type { Carrier, Draft, HandOver } from './carrier.ts';
import { mailContent, noticeContent, relayedContent } from './mail-content.ts';
import type { Brand } from './render-brand.ts';
import type { MailContent } from './render-request.ts';
import type { Renderer } from './render.ts';
import type { Mailbox, OutgoingMail, Transport } from './transports/transport.ts';

export interface MailCarrierOptions {
  readonly renderer: Renderer;
  readonly transport: Transport;
  readonly provider: Provider;
  readonly publicUrl: string;
  readonly production: boolean;
  readonly supportedLocales: readonly string[];
  readonly senderOf: (organizationId: string) => MailSender;
}

/** In whose name an organization's mails are sent. */
export interface MailSender {
  readonly brand: Brand;
  readonly from: Mailbox;
  readonly replyTo: Mailbox | undefined;
  /** Where links may lead, our own page included. */
  readonly redirects: RedirectRule;
  readonly defaultLocale: string;
}

/** The sender that a configuration describes; made once for each. */
export const mailSenders = (configOf: (organizationId: string) => WorkerConfig) => {
  const made = new WeakMap<WorkerConfig, MailSender>();
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

/** Composes mails and hands them to the provider's transport. */
export const createMailCarrier = (options: MailCarrierOptions): Carrier => {
  const { renderer, transport, provider } = options;
  const notMePage = new URL('/v1/not-me', options.publicUrl).href;

  /** Judged again when it is used: an origin that was taken off the list receives no token from then on. */
  const allowed = (redirectUrl: string | null, redirects: RedirectRule): string | null => {
    if (redirectUrl === null) return null;
    const decision = judgeRedirect(redirectUrl, redirects, options.production);
    return decision.allowed ? decision.url : null;
  };

  const compose = (
    claimed: ClaimedMessage,
    account: Account | null,
    to: string,
    contentFor: (sender: MailSender) => MailContent,
  ): HandOver => {
    const sender = options.senderOf(claimed.organizationId);
    const rendered = renderer.render({
      ...contentFor(sender),
      brand: sender.brand,
      locale: chooseLocale(
        claimed.locale ?? undefined,
        account?.locale ?? undefined,
        options.supportedLocales,
        sender.defaultLocale,
      ),
    });
    const mail: OutgoingMail = {
      messageId: claimed.id,
      messageIdHeader: messageIdHeader(claimed.id, domainOf(sender.from.address)),
      from: sender.from,
      replyTo: sender.replyTo,
      to,
      subject: rendered.subject,
      html: rendered.html,
      text: rendered.text,
      providerHeaders: provider.metadataHeaders(claimed.id),
    };
    return (signal) => transport.send(mail, signal);
  };

  /** Leads to our page, or to what may stand in for it: then the token goes to the application itself. */
  const linkOf = ({ claimed, account, credential }: Draft, { redirects }: MailSender): string => {
    const { path, query, yieldsToRedirect } = linkPageOf(claimed.contract, claimed.purpose);
    const ours = new URL(path, options.publicUrl);
    for (const [name, value] of Object.entries(query)) ours.searchParams.set(name, value);
    const instead = yieldsToRedirect
      ? (allowed(claimed.redirectUrl, redirects) ?? allowed(account.redirectUrl, redirects))
      : null;
    return verificationLink(instead ?? ours.href, credential.token.reveal());
  };

  return {
    providerName: provider.name,
    isOff: provider.carriesMail === 'none',
    prepare: (draft) =>
      compose(draft.claimed, draft.account, draft.to, (sender) =>
        mailContent(
          draft,
          {
            link: linkOf(draft, sender),
            notMeLink: verificationLink(notMePage, draft.credential.token.reveal()),
          },
          sender.brand.name,
        ),
      ),
    prepareNotice: ({ claimed, account, to, reason }) =>
      compose(claimed, account, to, () => noticeContent(account, reason)),
    prepareRelayed: ({ claimed, content }) =>
      compose(claimed, null, content.to, (sender) => relayedContent(content, sender.brand.name)),
  };
};

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1);
