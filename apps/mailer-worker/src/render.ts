import { displayName, organizationDisplayName } from '@reconfirm/core/display-name';
import { isolatedName } from '@reconfirm/core/isolated-name';
import { joinSentences } from '@reconfirm/core/join-sentences';
import { lifetimeInWords } from '@reconfirm/core/lifetime';
import { chooseLocale, isRightToLeft, supportedLocales } from '@reconfirm/core/locale';
import { isMaskedAddress } from '@reconfirm/core/masked-address';
import { type Brand, fillBrand, type FilledBrand, oneLine, webUrl } from './render-brand.ts';
import { probeRequests } from './render-probe.ts';
import {
  type CodeSubjectTemplate,
  codeSubjectTemplates,
  type MailValues,
  mailValues,
  type RenderRequest,
  type SmsRequest,
  templateNames,
} from './render-request.ts';
import { boundSms, measuredSms, type RenderedSms } from './render-sms.ts';
import { loadStrings, type StringValues } from './render-strings.ts';
import { type CompiledTemplate, compileTemplate, type Direction } from './render-templates.ts';

/** The locales that have a file in locales/. */
export const availableLocales = supportedLocales;

export interface RendererOptions {
  /** Speaks in every mail that brings no brand of its own. Set by the operator. */
  readonly brand: Brand;
  readonly supportedLocales: readonly string[];
  /** Serves readers whose locale is not supported; the first supported one unless given. */
  readonly fallbackLocale?: string;
  /** Mails whose subject begins with the code, when they have one; all that may unless given. */
  readonly codeInSubject?: readonly CodeSubjectTemplate[];
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
   * that is not http or https, a code that is not 4 to 10 digits, or a lifetime below a second.
   */
  readonly render: (request: RenderRequest) => RenderedMail;
  /** Fills in one SMS, and says what the carrier will bill. Throws as `render`, and for a host that is none. */
  readonly renderSms: (request: SmsRequest) => RenderedSms;
}

/**
 * Compiles every template and renders each once in every supported locale, so that a broken
 * template or an incomplete translation stops the start and not a message.
 */
export const createRenderer = async (options: RendererOptions): Promise<Renderer> => {
  const fallbackLocale = options.fallbackLocale ?? options.supportedLocales[0];
  if (fallbackLocale === undefined || !options.supportedLocales.includes(fallbackLocale)) {
    throw new Error('The fallback locale must be one of the supported locales.');
  }
  const strings = await loadStrings(options.supportedLocales);
  const templates = await compileAll();
  const codeInSubject = new Set<string>(options.codeInSubject ?? codeSubjectTemplates);
  const directions = new Map(options.supportedLocales.map((locale) => [locale, directionOf(locale)]));
  const lifetimeIn = rememberLifetimes();
  const localeFor = (wanted: string | undefined): string =>
    chooseLocale(wanted, undefined, options.supportedLocales, fallbackLocale);
  const format = (locale: string, group: string, values: StringValues): Readonly<Record<string, string>> => {
    const formatGroup = strings.get(locale)?.[group];
    if (formatGroup === undefined) throw new Error(`No strings for ${group} in ${locale}.`);
    return formatGroup(values);
  };

  const render = (request: RenderRequest): RenderedMail => {
    const locale = localeFor(request.locale);
    const direction = directions.get(locale) ?? 'ltr';
    const compiled = templates.get(`${request.template} ${direction}`);
    if (compiled === undefined) throw new Error(`No template ${request.template}.`);
    const brand = fillBrand(request.brand ?? options.brand);
    const values = checked(mailValues(request));
    const named = stringValues(values, brand, (seconds) => lifetimeIn(locale, seconds));
    const inSentences = isolateNames(named, direction);
    const t = { ...format(locale, 'common', inSentences), ...format(locale, request.template, inSentences) };
    const startsWithCode = values.code !== null && codeInSubject.has(request.template);
    const subject = subjectLine(t[startsWithCode ? 'codeSubject' : 'subject'] ?? '');
    const validity = joinSentences(locale, [
      values.lifetimeSeconds === null && values.codeLifetimeSeconds === null ? undefined : t['lifetime'],
      values.policy === null ? undefined : t['older'],
    ]);
    const filled = {
      lang: locale,
      subject,
      preheader: joinSentences(locale, [t['intro'], validity]),
      brand,
      link: values.link,
      code: values.code,
      notMeLink: values.notMeLink,
      newAddress: values.newAddress,
      validity: validity === '' ? null : validity,
      t,
    };
    return { subject, html: compiled.fillHtml(filled), text: compiled.fillText(filled), locale };
  };

  const renderSms = ({ locale: wanted, brand, values }: SmsRequest): RenderedSms => {
    const locale = localeFor(wanted);
    const code = checkedCode(values.code);
    const sentence = format(locale, 'sms', {
      brand: fillBrand(brand ?? options.brand).name,
      code,
      lifetime: lifetimeIn(locale, values.lifetimeSeconds),
    })['text'];
    return measuredSms(boundSms(sentence ?? '', values.host, code), locale);
  };

  for (const locale of options.supportedLocales) {
    for (const request of probeRequests) render({ ...request, locale });
    renderSms({ locale, values: { code: '000000', lifetimeSeconds: 600, host: 'probe.invalid' } });
  }
  return { render, renderSms };
};

const maxSubjectChars = 200;

/** Without the isolates of names, which old mail lists show as boxes. */
const subjectLine = (text: string): string =>
  oneLine(text.replace(/[\u2068\u2069]/g, '')).slice(0, maxSubjectChars);

const directionOf = (locale: string): Direction => (isRightToLeft(locale) ? 'rtl' : 'ltr');

/** Locales differ in strings only, so MJML runs once for each template and direction. */
const compileAll = async (): Promise<ReadonlyMap<string, CompiledTemplate>> => {
  const compiled = new Map<string, CompiledTemplate>();
  for (const name of templateNames) {
    for (const direction of ['ltr', 'rtl'] as const)
      compiled.set(`${name} ${direction}`, await compileTemplate(name, direction));
  }
  return compiled;
};

/** Lifetimes are settings, so there are few; making their words anew costs as much as the text part. */
const rememberLifetimes = (): ((locale: string, seconds: number) => string) => {
  const words = new Map<string, string>();
  return (locale, seconds) => {
    const key = `${locale} ${seconds}`;
    const known = words.get(key);
    if (known !== undefined) return known;
    const made = lifetimeInWords(seconds, locale);
    // A caller who makes up a lifetime for each mail must not fill the memory with them.
    if (words.size >= maxRememberedLifetimes) words.clear();
    words.set(key, made);
    return made;
  };
};

const maxRememberedLifetimes = 1000;

const checked = (values: MailValues): MailValues => ({
  ...values,
  link: checkedLink(values.link),
  notMeLink: checkedLink(values.notMeLink),
  code: values.code === null ? null : checkedCode(values.code),
  newAddress: shownAddress(values.newAddress),
});

/** Escaping alone would let `javascript:` and `data:` pass. */
const checkedLink = (link: string | null): string | null => {
  if (link === null) return null;
  const url = webUrl(link, ['https:', 'http:']);
  if (url === null) throw new Error('The link of a mail must be an http or https URL.');
  return url;
};

const checkedCode = (code: string): string => {
  if (!/^\d{4,10}$/.test(code)) throw new RangeError('A code has 4 to 10 digits.');
  return code;
};

/** What is not masked is not shown. An invisible joiner (U+2060) keeps mail programs from making a link of it. */
const shownAddress = (masked: string | null): string | null =>
  masked !== null && isMaskedAddress(masked) ? masked.replace(/[@.]/g, '$&\u2060') : null;

const stringValues = (
  values: MailValues,
  brand: FilledBrand,
  inWords: (seconds: number) => string,
): StringValues => {
  const name = displayName(values.name);
  const inviter = displayName(values.inviterName);
  const { lifetimeSeconds: ofLink, codeLifetimeSeconds: ofCode } = values;
  const same = ofLink === ofCode ? 'both' : 'each';
  return {
    brand: brand.name,
    name: name ?? '',
    hasName: name === undefined ? 'no' : 'yes',
    inviter: inviter ?? '',
    hasInviter: inviter === undefined ? 'no' : 'yes',
    organization: organizationDisplayName(values.organizationName) ?? brand.name,
    code: values.code ?? '',
    hasCode: values.code === null ? 'no' : 'yes',
    policy: values.policy ?? 'newest_only',
    has: ofLink === null ? 'code' : ofCode === null ? 'link' : same,
    linkLifetime: ofLink === null ? '' : inWords(ofLink),
    codeLifetime: ofCode === null ? '' : inWords(ofCode),
  };
};

/** For the body only: see `isolatedName`. */
const isolateNames = (values: StringValues, direction: Direction): StringValues => {
  const isolate = (name = ''): string => isolatedName(name, direction === 'rtl');
  const { brand, name, inviter, organization } = values;
  return {
    ...values,
    brand: isolate(brand),
    name: isolate(name),
    inviter: isolate(inviter),
    organization: isolate(organization),
  };
};
