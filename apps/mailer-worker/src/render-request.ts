import type { Brand } from './render-brand.ts';

/** What a purpose's mail confirms by. At least one of both; each stands alone where it is copied from. */
type Credential =
  | {
      /** The finished URL that confirms. Only http and https. */
      readonly link: string;
      /** 4 to 10 digits. */
      readonly code?: string | undefined;
    }
  | { readonly link?: undefined; readonly code: string };

export type ConfirmingValues = Credential & {
  /** What the caller says the person is called. Cleaned here; left out when it is no name. */
  readonly name?: string | undefined;
  /** Of the link, and of the code where it has none of its own. */
  readonly lifetimeSeconds: number;
  readonly codeLifetimeSeconds?: number | undefined;
  /** What becomes of older mails; the reader is told. */
  readonly policy: 'newest_only' | 'newest_few';
  /** Where the reader says that this was somebody else. */
  readonly notMeLink?: string | undefined;
};

export type InvitationValues = ConfirmingValues & {
  /** Cleaned here; where nothing is left the mail names the brand. */
  readonly organizationName: string;
  readonly inviterName?: string | undefined;
};

/** To the old address, which has to agree (double confirmation). */
export type CurrentAddressValues = ConfirmingValues & {
  /** From `maskedAddress`, else it is left out: an old mailbox may be in other hands. */
  readonly newAddressMasked?: string | undefined;
};

/** To the old address, once the new one has taken its place. */
export type ChangedValues = {
  readonly name?: string | undefined;
  readonly newAddressMasked?: string | undefined;
  readonly notMeLink?: string | undefined;
} & (
  | { readonly undoLink: string; /** Of the undo link. */ readonly lifetimeSeconds: number }
  | { readonly undoLink?: undefined; readonly lifetimeSeconds?: undefined }
);

/** A notice to somebody who needs no link; with one, a button leads to the sign-in or sign-up page. */
export interface NoticeValues {
  readonly name?: string | undefined;
  readonly link?: string | undefined;
  readonly notMeLink?: string | undefined;
}

/** Templates that confirm and need nothing of their own. */
export const plainConfirmingTemplates = ['signup', 'recovery', 'magiclink', 'email_change'] as const;
export type PlainConfirmingTemplate = (typeof plainConfirmingTemplates)[number];

export type MailContent =
  | { readonly template: PlainConfirmingTemplate; readonly values: ConfirmingValues }
  | { readonly template: 'invitation'; readonly values: InvitationValues }
  | { readonly template: 'email_change_current'; readonly values: CurrentAddressValues }
  | { readonly template: 'email_changed'; readonly values: ChangedValues }
  | { readonly template: 'already_verified' | 'unknown_account'; readonly values: NoticeValues };

export type TemplateName = MailContent['template'];

/** Every mail there is. Each has templates/<name>.mjml, templates/<name>.txt.liquid and strings in every locale. */
export const templateNames = [
  ...plainConfirmingTemplates,
  'invitation',
  'email_change_current',
  'email_changed',
  'already_verified',
  'unknown_account',
] as const satisfies readonly TemplateName[];

/** The name as a template that confirms and needs no values of its own. Throws for any other. */
export const plainConfirmingTemplate = (name: string): PlainConfirmingTemplate => {
  const found = plainConfirmingTemplates.find((template) => template === name);
  if (found === undefined) throw new Error(`No mail that only confirms has the template ${name}.`);
  return found;
};

/**
 * Templates whose subject may begin with the code. A subject is read on a locked screen, so never those by
 * which an account can be taken over: recovery, and the old address's consent to a new one.
 */
export type CodeSubjectTemplate = Extract<TemplateName, 'signup' | 'magiclink' | 'email_change'>;
export const codeSubjectTemplates: readonly CodeSubjectTemplate[] = ['signup', 'magiclink', 'email_change'];

export type RenderRequest = MailContent & {
  /** Any BCP 47 tag; the closest supported locale is taken. */
  readonly locale: string | undefined;
  /** The organization's; the renderer's own unless given. Hand over the same object for the same brand. */
  readonly brand?: Brand | undefined;
};

export interface SmsRequest {
  readonly locale: string | undefined;
  readonly brand?: Brand | undefined;
  readonly values: {
    readonly code: string;
    readonly lifetimeSeconds: number;
    /** The host of the page on which the code is typed, without scheme and port. */
    readonly host: string;
  };
}

/** Every value that a template can name. What a mail lacks is null: an undefined variable is a fault. */
export interface MailValues {
  readonly name: string | undefined;
  readonly link: string | null;
  readonly code: string | null;
  readonly notMeLink: string | null;
  readonly newAddress: string | null;
  readonly lifetimeSeconds: number | null;
  readonly codeLifetimeSeconds: number | null;
  readonly policy: ConfirmingValues['policy'] | null;
  readonly organizationName: string | undefined;
  readonly inviterName: string | undefined;
}

const nothing: MailValues = {
  name: undefined,
  link: null,
  code: null,
  notMeLink: null,
  newAddress: null,
  lifetimeSeconds: null,
  codeLifetimeSeconds: null,
  policy: null,
  organizationName: undefined,
  inviterName: undefined,
};

/** One shape for the values of all templates. An undo link is what the button of its mail leads to. */
export const mailValues = (content: MailContent): MailValues => {
  const { template, values } = content;
  const common = { ...nothing, name: values.name, notMeLink: values.notMeLink ?? null };
  switch (template) {
    case 'already_verified':
    case 'unknown_account':
      return { ...common, link: values.link ?? null };
    case 'email_changed':
      return {
        ...common,
        link: values.undoLink ?? null,
        lifetimeSeconds: values.lifetimeSeconds ?? null,
        newAddress: values.newAddressMasked ?? null,
      };
    case 'email_change_current':
      return { ...confirming(values), newAddress: values.newAddressMasked ?? null };
    case 'invitation':
      return {
        ...confirming(values),
        organizationName: values.organizationName,
        inviterName: values.inviterName,
      };
    case 'signup':
    case 'recovery':
    case 'magiclink':
    case 'email_change':
      return confirming(values);
  }
};

const confirming = (values: ConfirmingValues): MailValues => ({
  ...nothing,
  name: values.name,
  notMeLink: values.notMeLink ?? null,
  link: values.link ?? null,
  code: values.code ?? null,
  lifetimeSeconds: values.link === undefined ? null : values.lifetimeSeconds,
  codeLifetimeSeconds:
    values.code === undefined ? null : (values.codeLifetimeSeconds ?? values.lifetimeSeconds),
  policy: values.policy,
});
