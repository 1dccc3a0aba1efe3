/** What a password may have to contain, each at least once. */
export const characterClasses = ['upper', 'lower', 'digit', 'special'] as const;

export type CharacterClass = (typeof characterClasses)[number];

/** What a new password must be like. Stored ones are never judged again. */
export interface PasswordPolicy {
  /** In code points after normalising: one letter with its accents counts once. */
  readonly sizeMin: number;
  readonly sizeMax: number;
  readonly classes: readonly CharacterClass[];
}

/** Longest of any policy; NIST SP 800-63B-4 asks for at least 64. Argon2id costs the same for any length. */
export const passwordSizeMax = 128;

/** Shortest of any policy (NIST SP 800-63B-4, 3.1.1.2). */
export const passwordSizeMin = 8;

export type PasswordProblem =
  | 'too_short'
  | 'too_long'
  | 'lacks_upper'
  | 'lacks_lower'
  | 'lacks_digit'
  | 'lacks_special'
  /** Half a surrogate pair, which UTF-8 cannot tell from another half: two passwords would be one. */
  | 'not_text';

const members: Readonly<Record<CharacterClass, RegExp>> = {
  upper: /\p{Lu}/u,
  lower: /\p{Ll}/u,
  digit: /\p{Nd}/u,
  special: /[\p{P}\p{S}]/u,
};

/** The form that is hashed: NFC, so that a keyboard which sends `e` and an accent types the same password. */
export const normalizePassword = (text: string): string => text.normalize('NFC');

/** Everything that keeps a text from being a password under this policy; empty when nothing does. */
export const passwordProblems = (policy: PasswordPolicy, text: string): readonly PasswordProblem[] => {
  if (!text.isWellFormed()) return ['not_text'];
  const password = normalizePassword(text);
  const size = Array.from(password).length;
  return [
    ...(size < policy.sizeMin ? (['too_short'] as const) : []),
    ...(size > policy.sizeMax ? (['too_long'] as const) : []),
    ...policy.classes
      .filter((wanted) => !members[wanted].test(password))
      .map((wanted): PasswordProblem => `lacks_${wanted}`),
  ];
};

/** Reads `upper,lower,digit,special` in any order; empty means that any text will do. */
export const parseCharacterClasses = (
  text: string,
): readonly CharacterClass[] | { readonly problem: string } => {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const found = characterClasses.filter((known) => names.includes(known));
  return found.length === new Set(names).size
    ? found
    : { problem: `must list some of ${characterClasses.join(', ')} with commas` };
};
