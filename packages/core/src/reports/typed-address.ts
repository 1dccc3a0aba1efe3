/** RFC 3461, section 4: `+` and two hexadecimal digits in capitals. */
const decodeXtext = (text: string): string =>
  text.replace(/\+([0-9A-F]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** RFC 6533, section 3: `\x{…}`, for a report that has to be ASCII. */
const decodeEmbedded = (text: string): string =>
  text.replace(/\\x\{([0-9A-Fa-f]{1,6})\}/g, (whole, hex: string) => {
    const point = Number.parseInt(hex, 16);
    return point <= 0x10_ffff ? String.fromCodePoint(point) : whole;
  });

/**
 * The spellings of the local part in an `Original-Recipient` or `Final-Recipient` field
 * (`rfc822; ada+40example.org`, `utf-8; …`), for taking them out of the server's words: servers repeat
 * it alone, as it came or decoded.
 */
export const localPartsOf = (field: string): readonly string[] => {
  const semicolon = field.indexOf(';');
  const address = field
    .slice(semicolon + 1)
    .trim()
    .replace(/^<|>$/g, '');
  const spellings = [address, decodeXtext(address), decodeEmbedded(address)];
  return [...new Set(spellings.map((text) => text.slice(0, Math.max(0, text.lastIndexOf('@')))))].filter(
    // One or two letters are in every word and name nobody.
    (localPart) => localPart.length > 2,
  );
};
