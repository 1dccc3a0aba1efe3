/**
 * Markup that needs no more escaping. Only this file makes it, so whatever else is put into a
 * page is text and is escaped.
 */
class Markup {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

export type { Markup };

/** What a page may hold: markup, text (which is escaped), a list of markup, or nothing. */
export type HtmlValue = Markup | string | number | readonly Markup[] | null | undefined | false;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** The text as it stands in an element or in a quoted attribute. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);

const render = (value: HtmlValue): string => {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Markup) return value.toString();
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return value.map((part) => part.toString()).join('\n');
};

/**
 * Template tag for HTML: what the template says is markup, what is inserted is escaped. Insert only
 * between tags and inside double-quoted attributes; an attribute that holds a URL needs a check of
 * its scheme besides.
 */
export const html = (strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Markup =>
  new Markup(String.raw({ raw: strings }, ...values.map(render)));

/**
 * Our own CSS or JavaScript, for the inside of `<style>` and `<script>`, where entities mean
 * nothing. Throws where the text would end its element or open a comment (HTML, 13.2.5.4).
 */
export const rawText = (source: string): Markup => {
  if (/<\/(?:style|script)|<!--/i.test(source)) {
    throw new Error('A style or script must not hold its own end tag or "<!--".');
  }
  return new Markup(source);
};
