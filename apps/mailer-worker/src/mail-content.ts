import type { Account } from '@reconfirm/core/account';
import type { PurposePolicy } from '@reconfirm/core/purposes/policy';
import type { NoticeReason } from '@reconfirm/core/resolve';
import type { RelayedContent } from '@reconfirm/core/sealed-content';
import { maskedAddress } from '@reconfirm/core/masked-address';
import type { Draft } from './carrier.ts';
import type { ConfirmingValues, MailContent } from './render-request.ts';

/** The finished URLs of a message's token. */
export interface MailLinks {
  /** Confirms. */
  readonly link: string;
  /** Where the reader says that this was somebody else. */
  readonly notMeLink: string;
}

/** What a message says, by its purpose. */
export const mailContent = (draft: Draft, links: MailLinks, organizationName: string): MailContent => {
  const { purpose, account, claimed } = draft;
  const name = account.name ?? undefined;
  switch (purpose.name) {
    case 'signup':
    case 'recovery':
    case 'magiclink':
      return { template: purpose.name, values: confirming(draft, links) };
    case 'invitation':
      return { template: 'invitation', values: { ...confirming(draft, links), organizationName } };
    case 'email_change':
      return claimed.change?.side === 'current'
        ? {
            template: 'email_change_current',
            values: {
              ...confirming(draft, links),
              newAddressMasked: maskedAddress(claimed.change.newAddress),
            },
          }
        : { template: 'email_change', values: confirming(draft, links) };
    case 'email_changed':
      return {
        template: 'email_changed',
        values: {
          name,
          undoLink: links.link,
          lifetimeSeconds: draft.policy.lifetime.linkSeconds,
          newAddressMasked: maskedAddress(claimed.change?.newAddress ?? ''),
        },
      };
    default:
      throw new Error(`no mail says what a message of purpose ${purpose.name} is about`);
  }
};

/** What is told to somebody who asked for what they cannot get. */
export const noticeContent = (account: Account | null, reason: NoticeReason): MailContent => {
  const values = { name: account?.name ?? undefined };
  switch (reason) {
    case 'notice_already_verified':
      return { template: 'already_verified', values };
    case 'notice_unknown_account':
      return { template: 'unknown_account', values };
  }
};

/** What another system asked to be said, in our words. */
export const relayedContent = (content: RelayedContent, organizationName: string): MailContent => {
  const { template, link, code, lifetimeSeconds, notMeLink } = content;
  const credential = credentialOf(link, code);
  const values = {
    ...credential,
    notMeLink,
    name: content.name ?? undefined,
    lifetimeSeconds,
    policy: 'newest_only' as const,
  };
  if (template === 'invitation') return { template, values: { ...values, organizationName } };
  return template === 'email_change_current' ? { template, values } : { template, values };
};

const credentialOf = (link: string | null, code: string | null) => {
  if (link !== null) return { link, code: code ?? undefined };
  if (code === null) throw new Error('a relayed message has a link or a code');
  return { code };
};

const confirming = (
  { account, credential, policy }: Draft,
  { link, notMeLink }: MailLinks,
): ConfirmingValues & { readonly link: string } => ({
  link,
  notMeLink,
  code: credential.code?.reveal(),
  name: account.name ?? undefined,
  lifetimeSeconds: policy.lifetime.linkSeconds,
  codeLifetimeSeconds: policy.lifetime.codeSeconds,
  policy: toldPolicy(policy),
});

/** What the reader is told of older mails. */
export const toldPolicy = ({ liveTokens }: Pick<PurposePolicy, 'liveTokens'>): ConfirmingValues['policy'] =>
  liveTokens.newest === 1 && liveTokens.supersededWhen === 'accepted' ? 'newest_only' : 'newest_few';
