const mask = '•••';

/**
 * An address as the mailbox of another person may see it: `ana@mail.example.com` → `a•••@m•••.com`.
 * Enough for its owner to know it again, too little to write to. Without an @ only the mask is left.
 */
export const maskedAddress = (address: string): string => {
  const at = address.lastIndexOf('@');
  if (at < 1) return mask;
  const domain = address.slice(at + 1);
  const dot = domain.lastIndexOf('.');
  const ending = dot > 0 ? domain.slice(dot) : '';
  return `${firstLetter(address)}${mask}@${firstLetter(domain)}${mask}${ending}`;
};

/** Says whether a text is what `maskedAddress` makes: nothing of a whole address or a sentence passes. */
export const isMaskedAddress = (text: string): boolean =>
  /^(?:[^\s\p{C}]•••@[^\s\p{C}]?•••(?:\.[\p{L}\p{M}\p{N}-]{1,63})?|•••)$/u.test(text);

/** A whole code point, so that half of a pair never stands alone. */
const firstLetter = (text: string): string => Array.from(text.slice(0, 2))[0] ?? '';
