import { readFileSync } from 'node:fs';
import { supportedLocales } from '@reconfirm/core/locale';
import { demoStyle } from './demo/demo-style.ts';
import { html, type Markup } from './html.ts';
import { page } from './page-layout.ts';

export interface DemoPageInput {
  readonly brand: string;
  readonly nonce: string;
  /** Where the mails can be read, as an http or https URL; without it the page speaks of the person's own mail program. */
  readonly inboxUrl?: string;
}

// Read once, when the module is loaded: these are parts of this page that happen to be JavaScript.
const clientScript = ['call-log.js', 'demo-steps.js']
  .map((file) => readFileSync(new URL(`./demo/${file}`, import.meta.url), 'utf8'))
  .join('\n');

/**
 * The page on which a developer tries the service: register, resend, cooldown, inbox, status. It
 * calls the public API and shows each call. Throws a RangeError where `inboxUrl` is no http(s) URL.
 */
export const demoPage = (input: DemoPageInput): string =>
  page({
    lang: 'en',
    dir: 'ltr',
    title: `Try it · ${input.brand}`,
    nonce: input.nonce,
    style: demoStyle,
    script: clientScript,
    body: html`<header class="top">
        <strong>${input.brand}</strong>
        <nav aria-label="Reference">
          <a href="/docs">API reference</a> <a href="/openapi.json">OpenAPI</a>
        </nav>
      </header>
      <main>
        <div class="lead">
          <h1>Confirm an email address</h1>
          <p>
            Register an address, open its mail, follow the link, and watch the status move. This page uses the
            public API only, and shows every call it makes.
          </p>
        </div>
        <noscript
          ><p class="banner">
            This page needs JavaScript. The API does not: see the <a href="/docs">API reference</a>.
          </p></noscript
        >
        <p class="banner" id="offline" role="alert" hidden>
          The API does not answer. The page goes on by itself when it does.
        </p>
        <div class="columns">
          <div class="steps">${registerCard} ${mailCard(inboxLink(input.inboxUrl))} ${statusCard}</div>
          ${callsCard}
        </div>
      </main>`,
  });

const inboxLink = (inboxUrl: string | undefined): Markup | null => {
  if (inboxUrl === undefined) return null;
  const { protocol, href } = URL.parse(inboxUrl) ?? { protocol: '', href: '' };
  // Escaping makes no `javascript:` URL harmless.
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new RangeError('The URL of the inbox has to be http or https.');
  return html`<a class="button" href="${href}" target="_blank" rel="noopener"
    >Open the inbox<span class="spoken"> (opens a new tab)</span> <span aria-hidden="true">↗</span></a
  >`;
};

/** The name that its own speakers look for. */
const languageName = (locale: string): string =>
  new Intl.DisplayNames(locale, { type: 'language' }).of(locale) ?? locale;

const registerCard = html`<section class="card" aria-labelledby="register-heading">
  <h2 id="register-heading"><span class="number" aria-hidden="true">1</span> Register</h2>
  <form id="register-form" novalidate>
    <div class="field wide">
      <label for="email">Email address</label>
      <input
        id="email"
        name="email"
        type="email"
        autocomplete="email"
        autocapitalize="off"
        spellcheck="false"
        required
        aria-describedby="register-message"
        placeholder="ana@example.com"
      />
    </div>
    <div class="field">
      <label for="name">Name <span class="hint">(optional)</span></label>
      <input id="name" name="name" type="text" autocomplete="name" />
    </div>
    <div class="field">
      <label for="locale">Language of the mail</label>
      <select id="locale" name="locale">
        ${supportedLocales.map((locale) => html`<option value="${locale}">${languageName(locale)}</option>`)}
      </select>
    </div>
    <div class="wide"><button class="button" id="register" type="submit">Register</button></div>
  </form>
  <p class="message" id="register-message" role="status"></p>
  <div class="registered" id="registered" hidden>
    <p><bdi class="address" id="registered-email"></bdi></p>
    <button class="button plain small" id="start-over" type="button">Use another address</button>
  </div>
</section>`;

const mailCard = (link: Markup | null): Markup =>
  html`<section class="card" aria-labelledby="mail-heading">
    <h2 id="mail-heading" tabindex="-1"><span class="number" aria-hidden="true">2</span> Open the mail</h2>
    <p class="idle" id="mail-idle">Register an address first. The mail is on its way a moment later.</p>
    <div class="stack" id="mail" hidden>
      <p>
        The link in the newest mail to <bdi class="address" id="mail-email"></bdi> confirms the address.
        Sending again makes the older links stop working.
      </p>
      <div class="actions">
        ${link ?? html`<p class="idle">Look in your own mail program.</p>`}
        <button class="button plain" id="resend" type="button" aria-describedby="wait-text">
          Send the mail again
        </button>
      </div>
      <div class="wait" id="wait" hidden>
        <p id="wait-text"></p>
        <progress id="wait-bar" aria-label="Time until the next mail"></progress>
      </div>
      <p class="message" id="resend-message" role="status"></p>
      <p class="spoken" id="wait-announced" role="status"></p>
    </div>
  </section>`;

const step = (id: string, name: string): Markup =>
  html`<li id="${id}" data-state="waiting">
    <span class="spoken"></span><strong>${name}</strong> <small></small>
  </li>`;

const statusCard = html`<section class="card" aria-labelledby="status-heading">
  <h2 id="status-heading"><span class="number" aria-hidden="true">3</span> Watch the status</h2>
  <p class="idle" id="status-idle">
    It moves here by itself, also when you confirm in another tab or on another device.
  </p>
  <p class="idle" id="status-no-key" hidden>
    The status is read with the API key that is shown once, at the registration of the address. This tab does
    not have it.
  </p>
  <div class="stack" id="status" hidden>
    <ol class="track">
      ${step('step-registered', 'Registered')} ${step('step-sent', 'Mail sent')}
      ${step('step-delivered', 'Mail delivered')} ${step('step-confirmed', 'Address confirmed')}
    </ol>
    <p class="message" id="status-message" role="status"></p>
    <dl class="raw">
      <div>
        <dt>status</dt>
        <dd><code id="raw-status"></code></dd>
      </div>
      <div>
        <dt>verificationEmailStatus</dt>
        <dd><code id="raw-mail"></code></dd>
      </div>
    </dl>
    <h3 id="events-heading">Events, newest first</h3>
    <ol class="events" id="events" aria-labelledby="events-heading"></ol>
  </div>
</section>`;

const callsCard = html`<section class="card calls-card" aria-labelledby="calls-heading">
  <h2 id="calls-heading">API calls</h2>
  <p class="idle" id="calls-idle">The calls that this page makes appear here, each as a curl command.</p>
  <div class="curl" id="curl-box" hidden>
    <pre id="curl" tabindex="0" role="region" aria-label="curl command of the selected call"></pre>
    <div class="curl-actions">
      <button class="button plain small" id="copy" type="button">Copy curl</button>
      <span class="message" id="copied" role="status"></span>
    </div>
  </div>
  <ol class="calls" id="calls" aria-labelledby="calls-heading"></ol>
</section>`;
