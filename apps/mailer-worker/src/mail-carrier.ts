import { chooseLocale } from '@reconfirm/core/locale';
import { messageIdHeader } from '@reconfirm/core/message-id';
import type { Provider } from '@reconfirm/core/providers/provider';
import { judgeRedirect, type RedirectRule, verificationLink } from '@reconfirm/core/redirect';
import type { Carrier, Draft } from './carrier.ts';
import type { Renderer } from './render.ts';
import type { Mailbox, OutgoingMail, Transport } from './transports/transport.ts';

export interface MailCarrierOptions {
  readonly renderer: Renderer;
  readonly transport: Transport;
  readonly provider: Provider;
  readonly from: Mailbox;
  readonly replyTo: Mailbox | undefined;
  readonly publicUrl: string;
  /** Where links may lead, our own page included. */
  readonly redirects: RedirectRule;
  readonly production: boolean;
  readonly supportedLocales: readonly string[];
  readonly defaultLocale: string;
}

/** Composes mails and hands them to the provider's transport. */
export const createMailCarrier = (options: MailCarrierOptions): Carrier => {
  const { renderer, transport, provider } = options;
  const messageIdDomain = options.from.address.slice(options.from.address.lastIndexOf('@') + 1);
  const confirmationPage = new URL('/v1/verify-email', options.publicUrl).href;

  /** Judged again when it is used: an origin that was taken off the list receives no token from then on. */
  const allowed = (redirectUrl: string | null): string | null => {
    if (redirectUrl === null) return null;
    const decision = judgeRedirect(redirectUrl, options.redirects, options.production);
    return decision.allowed ? decision.url : null;
  };

  const compose = ({ claimed, account, to, purpose, policy, credential }: Draft): OutgoingMail => {
    const page = allowed(claimed.redirectUrl) ?? allowed(account.redirectUrl) ?? confirmationPage;
    const rendered = renderer.render({
      template: purpose.name,
      locale: chooseLocale(
        claimed.locale ?? undefined,
        account.locale ?? undefined,
        options.supportedLocales,
        options.defaultLocale,
      ),
      values: {
        link: verificationLink(page, credential.token.reveal()),
        name: account.name ?? undefined,
        lifetimeSeconds: policy.lifetime.linkSeconds,
      },
    });
    return {
      messageId: claimed.id,
      messageIdHeader: messageIdHeader(claimed.id, messageIdDomain),
      from: options.from,
      replyTo: options.replyTo,
      to,
      subject: rendered.subject,
      html: rendered.html,
      text: rendered.text,
      providerHeaders: provider.metadataHeaders(claimed.id),
    };
  };

  return {
    channel: 'email',
    providerName: provider.name,
    // A second copy costs nothing, and its link is the same.
    retriesAmbiguous: true,
    isOff: provider.carriesMail === 'none',
    prepare: (draft) => {
      const mail = compose(draft);
      return { send: (signal) => transport.send(mail, signal) };
    },
  };
};
