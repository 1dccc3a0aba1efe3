import { type ErrorCode, errorCodes } from '@reconfirm/core/error-codes';
import { html } from './html.ts';
import { page } from './page-layout.ts';

const style = `
main { max-width: 52rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
section { padding: 1.25rem 0; border-top: 1px solid var(--border, currentColor); }
h1 { margin-bottom: 1rem; }
h2 { font-size: 1.05rem; }
:target { outline: 2px solid var(--link); outline-offset: .5rem; }
`;

const entry = ([reason, error]: [string, ErrorCode]) => html`
  <section id="${reason.toLowerCase()}">
    <h2><code>${reason}</code> · ${error.status} · ${error.title}</h2>
    <p>${error.when}</p>
    <p>
      <code>code</code>:
      <code>${error.documented}</code
      >${error.documented === error.specific ? '' : html`, or <code>${error.specific}</code> with ERROR_CODES=specific`}
    </p>
  </section>
`;

/** What every `type` of a problem detail points at (RFC 9457, 3.1.1). */
export const errorsPage = (options: { readonly brand: string; readonly nonce: string }): string =>
  page({
    lang: 'en',
    dir: 'ltr',
    title: `Errors · ${options.brand}`,
    nonce: options.nonce,
    style,
    body: html`<main>
      <h1>Errors</h1>
      <p>
        Every error is a problem detail (RFC 9457). Rely on <code>reason</code>: no setting changes its
        spelling.
      </p>
      ${Object.entries(errorCodes).map(entry)}
    </main>`,
  });
