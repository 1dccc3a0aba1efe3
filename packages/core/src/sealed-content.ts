/** What another system's message is about; each is a mail of ours. */
export const relayedTemplates = [
  'signup',
  'invitation',
  'recovery',
  'magiclink',
  'email_change',
  'email_change_current',
] as const;
export type RelayedTemplate = (typeof relayedTemplates)[number];

/** A message that another authentication system made, with the credential that it keeps. */
export interface RelayedContent {
  readonly kind: 'relayed';
  /** An address, or a phone number in E.164. */
  readonly to: string;
  readonly template: RelayedTemplate;
  /** The finished URL that confirms there; null where the message has a code only. */
  readonly link: string | null;
  readonly code: string | null;
  /** Where the reader says that this was somebody else; left out where the other system has no such page. */
  readonly notMeLink?: string;
  readonly name: string | null;
  readonly lifetimeSeconds: number;
}

/** Where the owner of an address without an account can be told that somebody tried. */
export interface StrangerContent {
  readonly kind: 'stranger';
  readonly to: string;
}

/** What is sealed in the row of a message to somebody without an account of ours. */
export type SealedContent = RelayedContent | StrangerContent;

export const writeSealedContent = (content: SealedContent): string => JSON.stringify(content);

/**
 * What `writeSealedContent` wrote. Only what we sealed ourselves opens, so its shape is trusted; undefined for
 * a kind that a newer version wrote.
 */
export const readSealedContent = (text: string): SealedContent | undefined => {
  const content = JSON.parse(text) as SealedContent | { readonly kind: unknown };
  return content.kind === 'relayed' || content.kind === 'stranger' ? (content as SealedContent) : undefined;
};
