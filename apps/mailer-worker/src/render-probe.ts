import { type MailContent, plainConfirmingTemplates } from './render-request.ts';

const link = 'https://probe.invalid/?token=probe';
const everything = {
  link,
  code: '000000',
  name: 'Probe',
  lifetimeSeconds: 3600,
  codeLifetimeSeconds: 600,
  policy: 'newest_few',
  notMeLink: link,
} as const;
const leastWithLink = { link, lifetimeSeconds: 3600, policy: 'newest_only' } as const;
const leastWithCode = { code: '000000', lifetimeSeconds: 3600, policy: 'newest_only' } as const;

/** Each template with everything it can be given and with the least, so that every branch of it is walked at the start. */
export const probeRequests: readonly MailContent[] = [
  ...plainConfirmingTemplates.flatMap((template) =>
    [everything, leastWithLink, leastWithCode].map((values): MailContent => ({ template, values })),
  ),
  ...[everything, leastWithLink, leastWithCode].flatMap((values): MailContent[] => [
    { template: 'invitation', values: { ...values, organizationName: 'Probe', inviterName: 'Probe' } },
    { template: 'invitation', values: { ...values, organizationName: 'Probe' } },
    { template: 'email_change_current', values: { ...values, newAddressMasked: 'p•••@p•••.invalid' } },
    { template: 'email_change_current', values },
  ]),
  {
    template: 'email_changed',
    values: { name: 'Probe', undoLink: link, lifetimeSeconds: 3600, newAddressMasked: 'p•••@p•••.invalid' },
  },
  { template: 'email_changed', values: {} },
  { template: 'already_verified', values: { name: 'Probe', link, notMeLink: link } },
  { template: 'already_verified', values: {} },
  { template: 'unknown_account', values: { link, notMeLink: link } },
  { template: 'unknown_account', values: {} },
];
