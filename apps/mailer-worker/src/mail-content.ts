import { maskedAddress } from '@reconfirm/core/masked-address';
import type { PurposeName } from '@reconfirm/core/purposes/registry';
import type { Draft } from './carrier.ts';
import type { ConfirmingValues, MailContent } from './render-request.ts';

/** What the mail of a message says: its template, and the values that this template names. */
export const mailContentOf = (draft: Omit<Draft, 'to'>, link: string): MailContent => {
  const { account, claimed, credential, policy, purpose } = draft;
  const name = account.name ?? undefined;
  const values: ConfirmingValues = {
    name,
    link,
    code: credential.code?.reveal(),
    lifetimeSeconds: policy.lifetime.linkSeconds,
    codeLifetimeSeconds: policy.lifetime.codeSeconds,
    policy: policy.liveTokens.newest === 1 ? 'newest_only' : 'newest_few',
  };
  const newAddressMasked = claimed.change === null ? undefined : maskedAddress(claimed.change.newAddress);
  const template = purpose.name as PurposeName;
  switch (template) {
    case 'signup':
    case 'recovery':
    case 'magiclink':
      return { template, values };
    case 'invitation':
      return { template, values: { ...values, organizationName: '' } };
    case 'email_change':
      return claimed.change?.side === 'current'
        ? { template: 'email_change_current', values: { ...values, newAddressMasked } }
        : { template, values };
    case 'email_changed':
      return {
        template,
        values: { name, newAddressMasked, undoLink: link, lifetimeSeconds: policy.lifetime.linkSeconds },
      };
    case 'sms':
    case 'phone_change':
      throw new Error(`No mail is made of a message that goes by SMS (${template}).`);
  }
};
