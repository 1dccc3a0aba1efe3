import { readFile } from 'node:fs/promises';
import { Liquid, type LiquidOptions } from 'liquidjs';
import mjml2html from 'mjml';
import { isRightToLeft } from '@reconfirm/core/locale';
import { darkPalette, lightPalette } from './render-palette.ts';

/** The values that a template fills in. Everything is text; the HTML template escapes it. */
export interface TemplateValues {
  readonly subject: string;
  readonly brand: string;
  readonly link: string;
  readonly t: Readonly<Record<string, string>>;
}

/** One template in one locale, parsed: filling it in is a synchronous matter of microseconds. */
export interface CompiledTemplate {
  readonly fillHtml: (values: TemplateValues) => string;
  readonly fillText: (values: TemplateValues) => string;
}

/**
 * Compiles `templates/<name>.mjml` and `templates/<name>.txt.liquid` for one locale. MJML runs
 * here, once, on our own text only: a value never passes through it, because MJML lets markup in
 * values through. Throws on invalid MJML or Liquid.
 */
export const compileTemplate = async (name: string, locale: string): Promise<CompiledTemplate> => {
  const [mjml, text] = await Promise.all([readTemplate(`${name}.mjml`), readTemplate(`${name}.txt.liquid`)]);
  const { html } = await mjml2html(fillConstants(mjml, locale), {
    // MJML would link to a font server by default; a mail loads nothing from anywhere.
    fonts: {},
    validationLevel: 'strict',
    keepComments: false,
  });
  // Indentation is a quarter of the size and shows nowhere: the templates have no <pre>.
  const htmlTemplate = htmlEngine.parse(html.replace(/^\s+/gm, ''));
  const textTemplate = textEngine.parse(text);
  return {
    fillHtml: (values) => String(htmlEngine.renderSync(htmlTemplate, values)),
    fillText: (values) => String(textEngine.renderSync(textTemplate, values)),
  };
};

const readTemplate = (file: string): Promise<string> =>
  readFile(new URL(`./templates/${file}`, import.meta.url), 'utf8');

/**
 * `[[lang]]`, `[[dark.text]]` and the like: what differs between locales and schemes but not between
 * messages, so that MJML's strict validation sees real values.
 */
const fillConstants = (mjml: string, locale: string): string => {
  const rightToLeft = isRightToLeft(locale);
  const constants: Record<string, string> = {
    lang: locale,
    dir: rightToLeft ? 'rtl' : 'ltr',
    start: rightToLeft ? 'right' : 'left',
    end: rightToLeft ? 'left' : 'right',
  };
  for (const [name, colour] of Object.entries(lightPalette)) constants[`light.${name}`] = colour;
  for (const [name, colour] of Object.entries(darkPalette)) constants[`dark.${name}`] = colour;
  return mjml.replace(/\[\[([a-zA-Z.]+)\]\]/g, (placeholder, name: string) => {
    const value = constants[name];
    if (value === undefined) throw new Error(`The template names an unknown constant: ${placeholder}`);
    return value;
  });
};

const strict: LiquidOptions = {
  strictVariables: true,
  strictFilters: true,
  ownPropertyOnly: true,
  // No partials and no files: a template is one text.
  templates: {},
};

/** Without `raw` nothing in a template can switch the escaping off. */
const createEngine = (options: LiquidOptions): Liquid => {
  const engine = new Liquid(options);
  delete engine.filters['raw'];
  return engine;
};

const htmlEngine = createEngine({ ...strict, outputEscape: 'escape' });
const textEngine = createEngine(strict);
