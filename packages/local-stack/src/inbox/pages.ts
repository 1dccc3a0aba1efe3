import type { Mailbox, MessageSummary, ReadMessage } from './read-message.ts';

export type MessageView = 'html' | 'text' | 'headers' | 'raw';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d5d9e0, #3a4150); --quiet: light-dark(#5a6270, #a3abba);
  --page: light-dark(#ffffff, #171a20); --ink: light-dark(#1b2029, #e7eaf0); --link: light-dark(#1d4fc4, #8fb4ff);
  --hover: light-dark(#f3f5f9, #20252e); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; font: 1rem/1.5 system-ui, sans-serif;
  background: var(--page); color: var(--ink); }
header { display: flex; flex-wrap: wrap; gap: .75rem 1rem; align-items: center; margin-bottom: 1rem; }
h1 { font-size: 1.35rem; margin: 0; flex: 1 1 12rem; overflow-wrap: anywhere; }
a { color: var(--link); }
form { display: flex; gap: .5rem; margin: 0; }
input, button { font: inherit; padding: .35rem .7rem; border: 1px solid var(--line); border-radius: .4rem;
  background: var(--page); color: inherit; min-width: 0; }
button { cursor: pointer; }
button:hover { background: var(--hover); }
ol { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line); }
li { border-bottom: 1px solid var(--line); }
li a { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr) auto; gap: .1rem 1rem; padding: .6rem .5rem;
  text-decoration: none; color: inherit; }
li a:hover { background: var(--hover); }
li span { overflow-wrap: anywhere; }
li .subject { font-weight: 600; }
time, .quiet { color: var(--quiet); }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .2rem 1rem; margin: 0 0 1rem; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; border-bottom: 1px solid var(--line); margin-bottom: 1rem; }
nav a { padding: .4rem 0; text-decoration: none; }
nav a[aria-current] { color: inherit; font-weight: 600; border-bottom: 2px solid currentColor; }
iframe { width: 100%; height: 44rem; border: 1px solid var(--line); border-radius: .4rem; background: #fff; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: .9rem/1.5 ui-monospace, monospace; }
@media (max-width: 40rem) { li a { grid-template-columns: 1fr; } }
`;

const page = (title: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><link rel="icon" href="data:,"><style>${STYLE}</style></head>
<body>${body}</body></html>
`;

const formatTime = (iso: string): string =>
  new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(iso));

const formatMailbox = ({ name, address }: Mailbox): string =>
  name === '' ? address : `${name} <${address}>`;

const row = (message: MessageSummary): string => `<li><a href="/messages/${message.id}">
<span>${escapeHtml(message.envelope.to.join(', '))}</span>
<span class="subject">${message.channel === 'sms' ? 'SMS: ' : ''}${escapeHtml(message.subject || '(no subject)')}</span>
<time datetime="${message.receivedAt}">${formatTime(message.receivedAt)}</time></a></li>`;

const EMPTY_HINT = 'Mail and SMS that the service sends on this machine arrive here and go no further.';

/** The list, newest first. `newestId` of the whole inbox tells the page's script what it has seen. */
export const listPage = (
  summaries: readonly MessageSummary[],
  to: string | undefined,
  newestId: string | undefined,
): string => {
  const nothing = to === undefined ? 'No message yet' : 'No message for this recipient yet';
  const rows =
    summaries.length === 0
      ? `<p class="quiet">${nothing}. ${EMPTY_HINT}</p>`
      : `<ol>${summaries.map(row).join('')}</ol>`;
  return page(
    'Inbox',
    `<header><h1>Inbox</h1>
<form role="search"><input type="search" name="to" aria-label="Recipient" placeholder="Recipient" value="${escapeHtml(to ?? '')}"><button>Show</button></form>
<form method="post" action="/delete-all"><button>Delete all</button></form></header>
<main>${rows}</main>
<script src="/inbox.js" data-after="${newestId ?? ''}" data-to="${escapeHtml(to ?? '')}"></script>`,
  );
};

const tab = (id: string, view: MessageView, current: MessageView, label: string): string =>
  `<a href="/messages/${id}?view=${view}"${view === current ? ' aria-current="page"' : ''}>${label}</a>`;

const linkified = (text: string): string =>
  escapeHtml(text).replace(
    /https?:\/\/(?:(?!&lt;|&gt;|&quot;)\S)+[^\s.,;:!?)\]}]/g,
    (link) => `<a href="${link}" target="_blank" rel="noreferrer">${link}</a>`,
  );

const viewBody = (message: ReadMessage, view: MessageView, raw: string): string => {
  switch (view) {
    case 'html':
      return message.html === null
        ? '<p class="quiet">This message has no HTML part.</p>'
        : `<iframe title="Message" sandbox="allow-popups allow-popups-to-escape-sandbox" src="/messages/${message.id}/html"></iframe>`;
    case 'text':
      return message.text === null
        ? '<p class="quiet">This message has no text part.</p>'
        : `<pre>${linkified(message.text)}</pre>`;
    case 'headers':
      return `<dl>${message.headers.map(({ name, value }) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`;
    case 'raw':
      return `<pre>${escapeHtml(raw)}</pre>`;
  }
};

export const messagePage = (message: ReadMessage, view: MessageView, raw: string): string => {
  const facts: [string, string][] = [
    ['From', message.from === null ? message.envelope.from : formatMailbox(message.from)],
    ['To', message.to.map(formatMailbox).join(', ') || message.envelope.to.join(', ')],
    ['Received', formatTime(message.receivedAt)],
    ...(message.code === null ? [] : [['Code', message.code] satisfies [string, string]]),
  ];
  const tabs =
    message.channel === 'sms'
      ? tab(message.id, 'text', view, 'Text')
      : tab(message.id, 'html', view, 'HTML') +
        tab(message.id, 'text', view, 'Text') +
        tab(message.id, 'headers', view, 'Headers') +
        tab(message.id, 'raw', view, 'Raw');
  return page(
    message.subject || 'Message',
    `<header><h1>${escapeHtml(message.subject || '(no subject)')}</h1><a href="/">All messages</a></header>
<main><dl>${facts.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>
<nav aria-label="Views">${tabs}</nav>
${viewBody(message, view, raw)}</main>`,
  );
};

export const notFoundPage = (): string =>
  page(
    'Not found',
    '<header><h1>There is no such page</h1><a href="/">All messages</a></header><p class="quiet">The message may have been deleted.</p>',
  );

/** Reloads the list when a message arrives that it does not show. */
export const LIST_SCRIPT = `
const { after, to } = document.currentScript.dataset;
const query = new URLSearchParams({ timeoutMs: '25000' });
if (after) query.set('after', after);
if (to) query.set('to', to);
const wait = async () => {
  for (;;) {
    try {
      const response = await fetch('/api/messages/next?' + query);
      if (response.ok) return location.reload();
      if (response.status !== 408) return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
};
wait();
`;
