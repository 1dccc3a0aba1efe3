import { maskedAddress } from '@reconfirm/core/masked-address';
import type { Draft } from './carrier.ts';
import type { ConfirmingValues, MailContent } from './render-request.ts';

/** What a message says, by its purpose. `link` is the finished URL of its token. */
export const mailContent = (draft: Draft, link: string, organizationName: string): MailContent => {
  const { purpose, account, claimed } = draft;
  const name = account.name ?? undefined;
  switch (purpose.name) {
    case 'signup':
    case 'recovery':
    case 'magiclink':
      return { template: purpose.name, values: confirming(draft, link) };
    case 'invitation':
      return { template: 'invitation', values: { ...confirming(draft, link), organizationName } };
    case 'email_change':
      return claimed.change?.side === 'current'
        ? {
            template: 'email_change_current',
            values: {
              ...confirming(draft, link),
              newAddressMasked: maskedAddress(claimed.change.newAddress),
            },
          }
        : { template: 'email_change', values: confirming(draft, link) };
    case 'email_changed':
      return {
        template: 'email_changed',
        values: {
          name,
          undoLink: link,
          lifetimeSeconds: draft.policy.lifetime.linkSeconds,
          newAddressMasked: maskedAddress(claimed.change?.newAddress ?? ''),
        },
      };
    default:
      throw new Error(`no mail says what a message of purpose ${purpose.name} is about`);
  }
};

const confirming = (
  { account, credential, policy }: Draft,
  link: string,
): ConfirmingValues & { readonly link: string } => ({
  link,
  code: credential.code?.reveal(),
  name: account.name ?? undefined,
  lifetimeSeconds: policy.lifetime.linkSeconds,
  codeLifetimeSeconds: policy.lifetime.codeSeconds,
  policy:
    policy.liveTokens.newest === 1 && policy.liveTokens.supersededWhen === 'accepted'
      ? 'newest_only'
      : 'newest_few',
});
