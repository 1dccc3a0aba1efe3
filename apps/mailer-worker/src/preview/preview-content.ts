import { maskedAddress } from '@reconfirm/core/masked-address';
import { policyOf, type PurposePolicies } from '@reconfirm/core/purposes/policy';
import { type PurposeName, purposes } from '@reconfirm/core/purposes/registry';
import { toldPolicy } from '../mail-content.ts';
import type { ConfirmingValues, MailContent, TemplateName } from '../render-request.ts';

/** Of no message: tokens are derived under a key, and nothing is derived for a preview. */
export const sampleToken = '0'.repeat(64);
export const sampleCode = '123456';
const sampleName = 'Ana María';
const sampleNewAddress = 'ana@example.org';

export interface PreviewLinks {
  readonly link: string;
  readonly notMeLink: string;
}

/** The purpose whose lifetimes a mail tells of; null for a notice. */
export const purposeOfTemplate = {
  signup: 'signup',
  recovery: 'recovery',
  magiclink: 'magiclink',
  email_change: 'email_change',
  email_change_current: 'email_change',
  email_changed: 'email_changed',
  invitation: 'invitation',
  already_verified: null,
  unknown_account: null,
} as const satisfies Record<TemplateName, PurposeName | null>;

/** What a mail would say to somebody, with a link and a code that belong to nobody. */
export const previewContent = (
  template: TemplateName,
  { link, notMeLink }: PreviewLinks,
  policies: PurposePolicies,
  organizationName: string,
): MailContent => {
  const confirming = (name: PurposeName): ConfirmingValues => {
    const policy = policyOf(purposes[name], policies);
    return {
      link,
      notMeLink,
      code: sampleCode,
      name: sampleName,
      lifetimeSeconds: policy.lifetime.linkSeconds,
      codeLifetimeSeconds: policy.lifetime.codeSeconds,
      policy: toldPolicy(policy),
    };
  };
  const newAddressMasked = maskedAddress(sampleNewAddress);
  switch (template) {
    case 'signup':
    case 'recovery':
    case 'magiclink':
    case 'email_change':
      return { template, values: confirming(template) };
    case 'invitation':
      return { template, values: { ...confirming(template), organizationName } };
    case 'email_change_current':
      return { template, values: { ...confirming('email_change'), newAddressMasked } };
    case 'email_changed':
      return {
        template,
        values: {
          name: sampleName,
          undoLink: link,
          lifetimeSeconds: policyOf(purposes.email_changed, policies).lifetime.linkSeconds,
          newAddressMasked,
        },
      };
    case 'already_verified':
    case 'unknown_account':
      return { template, values: { name: sampleName } };
  }
};
