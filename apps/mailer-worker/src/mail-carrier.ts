import { linkPageOf } from '@reconfirm/core/contract';
import { chooseLocale } from '@reconfirm/core/locale';
import { messageIdHeader } from '@reconfirm/core/message-id';
import type { HeaderOptions, Provider } from '@reconfirm/core/providers/provider';
import { verificationLink } from '@reconfirm/core/redirect';
import type { Account } from '@reconfirm/core/account';
import type { ClaimedMessage } from '@reconfirm/db/claims';
import type { Carrier, Draft, HandOver } from './carrier.ts';
import type { MailSender } from './mail-senders.ts';
import { mailContent, noticeContent, relayedContent } from './mail-content.ts';
import type { MailContent } from './render-request.ts';
import type { Renderer } from './render.ts';
import type { BounceReturn, OutgoingMail, Transport } from './transports/transport.ts';
import { wantedPage } from './wanted-page.ts';

export interface MailCarrierOptions {
  readonly renderer: Renderer;
  readonly transport: Transport;
  readonly provider: Provider;
  readonly headerOptions: HeaderOptions;
  /** Under which its attempts are on record; the provider's name unless it is said. */
  readonly name?: string | undefined;
  readonly publicUrl: string;
  readonly production: boolean;
  readonly supportedLocales: readonly string[];
  readonly senderOf: (organizationId: string) => MailSender;
  /** The address of organizations without a sender of their own (MAIL_FROM). */
  readonly installationSender: string;
  /** Where the bounces of a message come back to; undefined: to the sender. */
  readonly bounceOf?: ((messageId: string) => BounceReturn) | undefined;
}

/** Composes mails and hands them to the provider's transport. */
export const createMailCarrier = (options: MailCarrierOptions): Carrier => {
  const { renderer, transport, provider } = options;
  const notMePage = new URL('/v1/not-me', options.publicUrl).href;

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
      bounce: options.bounceOf?.(claimed.id),
      to,
      subject: rendered.subject,
      html: leavingLinksAlone(rendered.html, provider.untrackedLink),
      text: rendered.text,
      providerHeaders: provider.metadataHeaders(claimed.id, options.headerOptions),
    };
    return { send: (signal) => transport.send(mail, signal) };
  };

  /** Leads to our page, or to what may stand in for it: then the token goes to the application itself. */
  const linkOf = ({ claimed, account, credential }: Draft, sender: MailSender): string => {
    const { path, query, yieldsTo } = linkPageOf(claimed.contract, claimed.purpose);
    const ours = new URL(path, options.publicUrl);
    for (const [name, value] of Object.entries(query)) ours.searchParams.set(name, value);
    const wanted = {
      none: [],
      redirect_of_request: [claimed.redirectUrl],
      redirect_of_request_or_account: [claimed.redirectUrl, account.redirectUrl],
    }[yieldsTo];
    const instead = wantedPage(wanted, sender, options.production);
    return verificationLink(instead ?? ours.href, credential.token.reveal());
  };

  const ownSenderOf = (organizationId: string): string | undefined => {
    const { address } = options.senderOf(organizationId).from;
    return address.toLowerCase() === options.installationSender.toLowerCase() ? undefined : address;
  };

  return {
    channel: 'email',
    ownSenderOf,
    providerName: options.name ?? provider.name,
    // A second copy costs nothing, and its link is the same.
    retriesAmbiguous: true,
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

/**
 * Every link with the attribute by which the provider leaves it as it is: a setting of the account that
 * tracks clicks after all would send the token to a foreign host. Values are escaped, so no text of ours holds a tag.
 */
const leavingLinksAlone = (html: string, attribute: string | undefined): string =>
  attribute === undefined ? html : html.replaceAll(/<a(?=\s)/g, `<a ${attribute}`);

/** The domain that ends the Message-IDs of who sends from this address. */
export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1);
