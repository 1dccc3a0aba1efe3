/** GSM 03.38 (3GPP TS 23.038, 6.2.1): the basic set, one septet each. */
const basic =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
/** Its extension table: an escape and a septet. */
const extended = '\f^{}\\[~]|€';

const gsmSeptets = new Map([
  ...Array.from(basic, (character): [string, number] => [character, 1]),
  ...Array.from(extended, (character): [string, number] => [character, 2]),
]);

export interface SmsLength {
  /** One character that GSM 03.38 lacks makes the whole text UCS-2. */
  readonly encoding: 'gsm7' | 'ucs2';
  /** What is paid for: each carries 160 septets or 70 units, 153 or 67 when there are several. */
  readonly segments: number;
}

/** How many messages a text is billed as (3GPP TS 23.040, 9.2.3.24.1: concatenation takes six octets of each). */
export const measureSms = (text: string): SmsLength => {
  const septets = Array.from(text, (character) => gsmSeptets.get(character));
  if (septets.includes(undefined)) return { encoding: 'ucs2', segments: segmentsOf(text.length, 70, 67) };
  const length = septets.reduce<number>((sum, septet) => sum + (septet ?? 0), 0);
  return { encoding: 'gsm7', segments: segmentsOf(length, 160, 153) };
};

const segmentsOf = (length: number, alone: number, joined: number): number =>
  length <= alone ? 1 : Math.ceil(length / joined);
