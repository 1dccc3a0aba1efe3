import { readFile } from 'node:fs/promises';
import { Liquid, type LiquidOptions } from 'liquidjs';
import mjml2html from 'mjml';
import type { FilledBrand } from './render-brand.ts';
import { darkPalette, lightPalette } from './render-palette.ts';

/** The values that a template fills in. Everything is text; the HTML template escapes it. Null: the mail has none. */
export interface TemplateValues {
  readonly lang: string;
  readonly subject: string;
  readonly preheader: string;
  readonly brand: FilledBrand;
  readonly link: string | null;
  readonly code: string | null;
  readonly notMeLink: string | null;
  readonly newAddress: string | null;
  /** How long link and code work, and what becomes of older mails. */
  readonly validity: string | null;
  readonly t: Readonly<Record<string, string>>;
}

export type Direction = 'ltr' | 'rtl';

/** One template in one direction, parsed: filling it in is a synchronous matter of microseconds. */
export interface CompiledTemplate {
  readonly fillHtml: (values: TemplateValues) => string;
  readonly fillText: (values: TemplateValues) => string;
}

/**
 * Compiles `templates/<name>.mjml` and `templates/<name>.txt.liquid`, each inside its layout. MJML runs
 * here, once, on our own text only: a value never passes through it, because MJML lets markup in
 * values through. Throws on invalid MJML or Liquid.
 */
export const compileTemplate = async (name: string, direction: Direction): Promise<CompiledTemplate> => {
  const [mjml, text] = await Promise.all([assemble(name, 'mjml'), assemble(name, 'txt.liquid')]);
  const { html } = await mjml2html(fillConstants(mjml, direction), {
    // MJML would link to a font server by default; a mail loads nothing from anywhere.
    fonts: {},
    validationLevel: 'strict',
    keepComments: false,
  });
  // Indentation is a quarter of the size and shows nowhere: the templates have no <pre>.
  const htmlTemplate = htmlEngine.parse(openSlots(html.replace(/^\s+/gm, '')));
  const textTemplate = textEngine.parse(text);
  return {
    fillHtml: (values) => String(htmlEngine.renderSync(htmlTemplate, values)),
    // Parts that a mail lacks leave their blank lines behind.
    fillText: (values) =>
      `${String(textEngine.renderSync(textTemplate, values))
        .replace(/\n{3,}/g, '\n\n')
        .trim()}\n`,
  };
};

const readTemplate = (file: string): Promise<string> =>
  readFile(new URL(`./templates/${file}`, import.meta.url), 'utf8');

/** The layout around the template around its parts. MJML's own includes stay off: they read any file. */
const assemble = async (name: string, ending: string): Promise<string> => {
  const [layout, body] = await Promise.all([
    readTemplate(`layout.${ending}`),
    readTemplate(`${name}.${ending}`),
  ]);
  const wanted = new Set([...body.matchAll(partPattern)].map((match) => match[1] ?? ''));
  const parts = new Map<string, string>();
  for (const part of wanted) parts.set(part, await readTemplate(`parts/${part}.${ending}`));
  return layout.replace('[[body]]', () =>
    body.replace(partPattern, (_all, part: string) => parts.get(part) ?? ''),
  );
};

const partPattern = /\[\[part ([a-z-]+)\]\]\n?/g;

/**
 * Colours that belong to a brand: MJML's strict validation wants a real colour, so it gets one that nobody else
 * uses, and what it wrote is then opened as a slot. The values are checked colours (`fillBrand`).
 */
const slots = {
  'light.button': { colour: '#0b01d1', value: '{{ brand.button.light }}' },
  'light.buttonText': { colour: '#0b01d2', value: '{{ brand.button.lightText }}' },
  'dark.button': { colour: '#0b01d3', value: '{{ brand.button.dark }}' },
  'dark.buttonText': { colour: '#0b01d4', value: '{{ brand.button.darkText }}' },
} as const;

const openSlots = (html: string): string =>
  Object.values(slots).reduce((opened, { colour, value }) => opened.replaceAll(colour, value), html);

/**
 * `[[dir]]`, `[[dark.text]]` and the like: what differs between directions and schemes but not between
 * messages, so that MJML's strict validation sees real values.
 */
const fillConstants = (mjml: string, direction: Direction): string => {
  const constants: Record<string, string> = {
    dir: direction,
    start: direction === 'rtl' ? 'right' : 'left',
  };
  for (const [name, colour] of Object.entries(lightPalette)) constants[`light.${name}`] = colour;
  for (const [name, colour] of Object.entries(darkPalette)) constants[`dark.${name}`] = colour;
  for (const [name, { colour }] of Object.entries(slots)) constants[name] = colour;
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
