import fc from 'fast-check';

/**
 * Texts of any UTF-16 code units, half of them ASCII: controls, unpaired surrogates and all. Building
 * the tables behind fast-check's own `binary` unit takes more than half a second in every file.
 */
export const anyText = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.nat(0x7f), fc.nat(0xffff)), { maxLength })
    .map((units) => String.fromCharCode(...units));
