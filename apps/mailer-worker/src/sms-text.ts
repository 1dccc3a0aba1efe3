import { lifetimeInWords } from '@reconfirm/core/lifetime';

/** What the text of an SMS is made of. */
export interface SmsValues {
  readonly code: string;
  /** Where the code may be filled in by itself: the host of PUBLIC_URL, without its port. */
  readonly host: string;
  readonly lifetimeSeconds: number;
}

/** Composes the text of an SMS in a language. Its last line must be `@host #code`. */
export type RenderSms = (locale: string, values: SmsValues) => string;

/**
 * The English text, for every locale. The code stands alone on its line, so that nothing is copied with it, and
 * the last line is what browsers offer to fill in (WICG "Origin-bound one-time codes delivered via SMS").
 */
export const renderEnglishSms =
  (brand: string): RenderSms =>
  (_locale, { code, host, lifetimeSeconds }) =>
    [
      `Your ${brand} code, good for ${lifetimeInWords(lifetimeSeconds, 'en')}:`,
      code,
      '',
      `@${host} #${code}`,
    ].join('\n');
