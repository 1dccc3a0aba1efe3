import { chooseLocale } from '@reconfirm/core/locale';
import { messageIdHeader } from '@reconfirm/core/message-id';
import type { Provider } from '@reconfirm/core/providers/provider';
import { linkPageOf } from '@reconfirm/core/contract';
import { judgeRedirect, type RedirectRule, verificationLink } from '@reconfirm/core/redirect';
import type { Carrier, Draft } from './carrier.ts';
import { mailContentOf } from './mail-content.ts';
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

  /** Judged again when it is used: an origin that was taken off the list receives no token from then on. */
  const allowed = (redirectUrl: string | null): string | null => {
    if (redirectUrl === null) return null;
    const decision = judgeRedirect(redirectUrl, options.redirects, options.production);
    return decision.allowed ? decision.url : null;
  };

  /** Our page, or what may stand in for it: then the token goes to the application itself. */
  const pageOf = ({ claimed, account }: Pick<Draft, 'claimed' | 'account'>): string => {
    const { path, query, yieldsToRedirect } = linkPageOf(claimed.contract, claimed.purpose);
    const ours = new URL(path, options.publicUrl);
    for (const [name, value] of Object.entries(query)) ours.searchParams.set(name, value);
    if (!yieldsToRedirect) return ours.href;
    return allowed(claimed.redirectUrl) ?? allowed(account.redirectUrl) ?? ours.href;
  };

  const compose = ({ to, ...draft }: Draft): OutgoingMail => {
    const { claimed, account, credential } = draft;
    const rendered = renderer.render({
      ...mailContentOf(draft, verificationLink(pageOf(draft), credential.token.reveal())),
      locale: chooseLocale(
        claimed.locale ?? undefined,
        account.locale ?? undefined,
        options.supportedLocales,
        options.defaultLocale,
      ),
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
    providerName: provider.name,
    isOff: provider.carriesMail === 'none',
    prepare: (draft) => {
      const mail = compose(draft);
      return (signal) => transport.send(mail, signal);
    },
  };
};
