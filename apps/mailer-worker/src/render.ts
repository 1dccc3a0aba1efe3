import { displayName } from '@reconfirm/core/display-name';
import { lifetimeInWords } from '@reconfirm/core/lifetime';
import { chooseLocale } from '@reconfirm/core/locale';
import { loadStrings } from './render-strings.ts';
import { compileTemplate, type CompiledTemplate } from './render-templates.ts';

/** Each has templates/<name>.mjml, templates/<name>.txt.liquid and strings in every locale. */
export const templateNames: readonly string[] = ['signup'];

/** The locales that have a file in locales/. */
export const availableLocales = ['en', 'es'] as const;

export interface RendererOptions {
  /** The name that the mail speaks in. Set by the operator. */
  readonly brand: { readonly name: string };
  readonly supportedLocales: readonly string[];
  /** Serves readers whose locale is not supported; the first supported one unless given. */
  readonly fallbackLocale?: string;
}

export interface RenderRequest {
  /** One of `templateNames`. */
  readonly template: string;
  /** Any BCP 47 tag; the closest supported locale is taken. */
  readonly locale: string | undefined;
  readonly values: {
    /** The finished URL that confirms. Only http and https. */
    readonly link: string;
    /** What the caller says the person is called. Cleaned here; left out when it is no name. */
    readonly name?: string | undefined;
    readonly lifetimeSeconds: number;
  };
}

export interface RenderedMail {
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly locale: string;
}

export interface Renderer {
  /**
   * Fills in one mail, synchronously and without shared state between messages. Throws for a link
   * that is not http or https, an unknown template, or a lifetime below a second.
   */
  readonly render: (request: RenderRequest) => RenderedMail;
}

/**
 * Compiles every template in every supported locale and renders each once, so that a broken
 * template or an incomplete translation stops the start and not a message.
 */
export const createRenderer = async (options: RendererOptions): Promise<Renderer> => {
  const { supportedLocales } = options;
  const fallbackLocale = options.fallbackLocale ?? supportedLocales[0];
  if (fallbackLocale === undefined || !supportedLocales.includes(fallbackLocale)) {
    throw new Error('The fallback locale must be one of the supported locales.');
  }
  const brand = cleanLine(options.brand.name);
  const strings = await loadStrings(supportedLocales);
  const templates = await compileAll(supportedLocales);
  // The lifetime is a setting, so each locale has one; making its words anew costs as much as the text part.
  const lifetimes = new Map<string, string>();
  const lifetimeIn = (locale: string, seconds: number): string => {
    const known = lifetimes.get(`${locale} ${seconds}`);
    if (known !== undefined) return known;
    const words = lifetimeInWords(seconds, locale);
    lifetimes.set(`${locale} ${seconds}`, words);
    return words;
  };

  const render = ({ template, locale: wanted, values }: RenderRequest): RenderedMail => {
    const locale = chooseLocale(wanted, undefined, supportedLocales, fallbackLocale);
    const compiled = templates.get(`${template} ${locale}`);
    const format = strings.get(locale)?.[template];
    if (compiled === undefined || format === undefined)
      throw new Error(`No template ${template} in ${locale}.`);
    const name = displayName(values.name);
    const t = format({
      brand,
      lifetime: lifetimeIn(locale, values.lifetimeSeconds),
      name: name ?? '',
      hasName: name === undefined ? 'no' : 'yes',
    });
    const subject = cleanLine(t['subject'] ?? '').slice(0, maxSubjectChars);
    const filled = { subject, brand, link: webLink(values.link), t };
    return { subject, html: compiled.fillHtml(filled), text: compiled.fillText(filled), locale };
  };

  for (const template of templateNames) {
    for (const locale of supportedLocales) render({ template, locale, values: probe });
  }
  return { render };
};

const maxSubjectChars = 200;

const probe = { link: 'https://probe.invalid/?token=probe', name: 'Probe', lifetimeSeconds: 3600 };

const compileAll = async (locales: readonly string[]): Promise<ReadonlyMap<string, CompiledTemplate>> => {
  const compiled = new Map<string, CompiledTemplate>();
  for (const name of templateNames) {
    for (const locale of locales) compiled.set(`${name} ${locale}`, await compileTemplate(name, locale));
  }
  return compiled;
};

/** One line without control characters, for headers and for text that stands on its own line. */
const cleanLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();

/**
 * The link as the URL standard writes it: without line breaks, quotes, angle brackets or spaces.
 * Escaping alone would let `javascript:` and `data:` pass.
 */
const webLink = (link: string): string => {
  const url = URL.canParse(link) ? new URL(link) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new Error('The link of a mail must be an http or https URL.');
  }
  return url.href;
};
