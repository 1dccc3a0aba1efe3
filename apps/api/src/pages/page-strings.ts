/** What one page says, as ICU message strings. Each may name `{brand}`. */
export interface PageText {
  readonly heading: string;
  readonly body: string;
  /** What to do next. */
  readonly next: string;
}

/** A page with one form says what its button does in place of what to do next. */
export interface FormText {
  readonly heading: string;
  readonly body: string;
  readonly button: string;
}

/** What the button of a live link confirms. */
export const livePurposes = ['signup', 'magiclink', 'email_change', 'email_change_current'] as const;
export type LivePurpose = (typeof livePurposes)[number];

/** What a link can be found to be when it is opened. */
export const confirmationStates = [
  'live',
  'consumed',
  'expired',
  'superseded',
  'locked',
  'suspended',
  'unknown',
] as const;
export type ConfirmationState = (typeof confirmationStates)[number];
export type DeadState = Exclude<ConfirmationState, 'live'>;

/** Why there is nothing to say about a link. */
export const pageProblems = ['malformed', 'unavailable'] as const;
export type PageProblem = (typeof pageProblems)[number];

/** Purposes whose link leads to a page with a password. */
export const passwordPurposes = ['invitation', 'recovery'] as const;
export type PasswordPurpose = (typeof passwordPurposes)[number];

export interface PageStrings {
  readonly address: string;
  readonly live: Readonly<Record<LivePurpose, FormText>>;
  readonly liveNext: string;
  readonly states: Readonly<Record<DeadState, PageText>>;
  /** On the page of a dead link whose message is known: one press instead of typing the address again. */
  readonly resend: { readonly button: string; readonly next: string };
  readonly resent: PageText;
  readonly confirmed: PageText;
  readonly firstWindow: PageText;
  readonly problems: Readonly<Record<PageProblem, PageText>>;
  readonly code: FormText & {
    readonly label: string;
    readonly next: string;
    readonly nextSms: string;
    readonly resend: string;
    readonly wrong: string;
    readonly malformed: string;
    /** Names `{count}`. */
    readonly triesLeft: string;
  };
  readonly notMe: FormText & { readonly next: string };
  readonly disowned: PageText;
  readonly password: Readonly<Record<PasswordPurpose, FormText>> & {
    readonly label: string;
    /** Names `{min}`. */
    readonly hint: string;
    readonly tooShort: string;
    readonly tooCommon: string;
    readonly next: string;
  };
  readonly passwordSet: PageText;
}
