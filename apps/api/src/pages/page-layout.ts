import { type HtmlValue, html, type Markup, rawText } from './html.ts';
import { paletteStyle } from './page-palette.ts';

export interface PageParts {
  readonly lang: string;
  readonly dir: 'ltr' | 'rtl';
  readonly title: string;
  /** Goes into the `nonce` of the style and the script; the same as in `pageHeaders`. */
  readonly nonce: string;
  readonly style: string;
  readonly script?: string;
  readonly body: HtmlValue;
}

const baseStyle = `
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Helvetica, Arial, sans-serif; }
h1, h2, p { margin: 0; text-wrap: pretty; }
a { color: var(--link); }
[hidden] { display: none !important; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.button { display: inline-flex; align-items: center; justify-content: center; gap: .5em; min-height: 2.75rem;
  padding: .5rem 1.15rem; border: 1px solid var(--button); border-radius: .5rem; background: var(--button);
  color: var(--button-text); font: inherit; font-weight: 600; text-align: center; text-decoration: none; cursor: pointer; }
.button:hover { filter: brightness(1.1); }
.button:active { filter: brightness(.94); }
`;

/** One whole page. Nothing in it is loaded from elsewhere: style and script stand inside, under the nonce. */
export const page = (parts: PageParts): string =>
  html`<!doctype html>
    <html lang="${parts.lang}" dir="${parts.dir}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>${parts.title}</title>
        <link rel="icon" href="data:," />
        <style nonce="${parts.nonce}">
          ${rawText(paletteStyle + baseStyle + parts.style)}
        </style>
      </head>
      <body>
        ${parts.body} ${scriptOf(parts)}
      </body>
    </html> `.toString();

const scriptOf = ({ nonce, script }: PageParts): Markup | null =>
  script === undefined
    ? null
    : html`<script type="module" nonce="${nonce}">
        ${rawText(script)};
      </script> `;
