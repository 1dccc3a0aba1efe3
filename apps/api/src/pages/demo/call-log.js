/**
 * The calls of the demo page to the API, and their log. This file and demo-steps.js, in this
 * order, are one script in the browser; neither imports anything, because the page loads nothing.
 *
 * @typedef {{ id: string, email: string, status: string, verificationEmailStatus: string | null, createdAt: string }} Tenant
 * @typedef {{ eventType: string, detail: unknown, createdAt: string }} TenantEvent
 * @typedef {{ title?: string, detail?: string, errors?: { field: string, message: string }[] }} Problem
 * @typedef {Problem & { tenant?: Tenant, apiKey?: string, events?: TenantEvent[], message?: string, remainingSeconds?: number }} AnswerBody
 * @typedef {{ status: number, body: AnswerBody, retryAfterSeconds: number }} Answer `status` is 0 where no answer came.
 * @typedef {{ method: 'GET' | 'POST', path: string, send?: Record<string, string>, apiKey?: string, isAutomatic?: boolean }} Call
 * @typedef {Call & { status: number, at: Date, times: number, row: HTMLButtonElement }} LoggedCall
 */

const callTimeoutMs = 10_000;
const maxLoggedCalls = 40;

/** @template {HTMLElement} T @param {string} id @param {new () => T} type @returns {T} */
const find = (id, type) => {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`The page has no ${id}.`);
  return element;
};
/** @param {string} id */
const part = (id) => find(id, HTMLElement);

/** @template {keyof HTMLElementTagNameMap} K @param {K} tag @param {string} className @param {string} text */
const make = (tag, className, text) => {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
};

/** @type {LoggedCall[]} Newest first. */
const log = [];

/** Never throws: no answer is an answer too, with the status 0. @param {Call} request @returns {Promise<Answer>} */
// oxlint-disable-next-line no-unused-vars -- demo-steps.js, the other half of the script, uses it.
const call = async (request) => {
  /** @type {Answer} */
  let answer = { status: 0, body: {}, retryAfterSeconds: 0 };
  try {
    const response = await fetch(request.path, {
      method: request.method,
      headers: {
        accept: 'application/json',
        ...(request.send && { 'content-type': 'application/json' }),
        ...(request.apiKey && { authorization: `Bearer ${request.apiKey}` }),
      },
      ...(request.send && { body: JSON.stringify(request.send) }),
      cache: 'no-store',
      signal: AbortSignal.timeout(callTimeoutMs),
    });
    answer = {
      status: response.status,
      body: await response.json().catch(() => ({})),
      retryAfterSeconds: Number(response.headers.get('retry-after')) || 0,
    };
  } catch {
    // The browser tells a script nothing about why there is no answer.
  }
  logCall(request, answer.status);
  part('offline').hidden = answer.status !== 0;
  return answer;
};

/** @param {number} seconds */
const duration = (seconds) => (seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`);

/** @param {number} ms */
const clock = (ms) => new Date(ms).toLocaleTimeString();

/** What went wrong, in the API's own words. @param {Answer} answer */
// oxlint-disable-next-line no-unused-vars -- demo-steps.js, the other half of the script, uses it.
const explain = ({ status, body, retryAfterSeconds }) => {
  if (status === 0)
    return 'The API does not answer. Is it running, and is this device online? Nothing was changed here; try again.';
  // The detail of such an answer only says that `errors` names the fields.
  const fields = (body.errors ?? []).map(({ field, message }) => `${field}: ${message.replace(/\.$/, '')}.`);
  const reason =
    fields.length > 0
      ? `${body.title ?? 'The request is not valid'}. ${fields.join(' ')}`
      : (body.detail ?? body.title);
  const wait =
    retryAfterSeconds > 0
      ? ` You can try again at ${clock(Date.now() + retryAfterSeconds * 1000)}, in ${duration(retryAfterSeconds)}.`
      : '';
  return `${reason ?? `The API answered ${status}.`}${wait}`;
};

/** The same text again is left alone, for a screen reader would speak it again. @param {string} id @param {string} text @param {'bad' | 'good'} [kind] */
const say = (id, text, kind = 'bad') => {
  if (part(id).textContent === text) return;
  part(id).textContent = text;
  part(id).dataset['kind'] = kind;
};

/** @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** @param {Call} request */
const curlOf = ({ method, path, send, apiKey }) =>
  [
    `curl -i${method === 'GET' ? '' : ` -X ${method}`} ${quoted(location.origin + path)}`,
    ...(apiKey ? [`-H ${quoted(`authorization: Bearer ${apiKey}`)}`] : []),
    ...(send ? [`-H 'content-type: application/json'`, `-d ${quoted(JSON.stringify(send))}`] : []),
  ].join(' \\\n  ');

/** @param {LoggedCall} entry */
const select = (entry) => {
  for (const { row } of log) row.ariaPressed = String(row === entry.row);
  part('curl').textContent = curlOf(entry);
  say('copied', '');
  part('curl-box').hidden = false;
};

/** @param {LoggedCall} entry */
const fillRow = ({ row, method, path, status, times, at }) => {
  const result = make('span', 'result', status === 0 ? 'no answer' : String(status));
  result.dataset['kind'] = status >= 200 && status < 300 ? 'good' : 'bad';
  const shown = make('code', 'path', path);
  row.replaceChildren(
    make('span', 'method', method),
    shown,
    result,
    make('span', 'times', `${clock(at.getTime())}${times > 1 ? ` · ${times} times` : ''}`),
  );
};

/** What the page asks by itself again and again shares a row, so that it does not bury what the person did. @param {Call} request @param {number} status */
const logCall = (request, status) => {
  const sinceAction = log.slice(0, log.findIndex(({ isAutomatic }) => !isAutomatic) + 1 || undefined);
  const same =
    request.isAutomatic &&
    sinceAction.find(
      ({ isAutomatic, path, status: last }) => isAutomatic && path === request.path && last === status,
    );
  if (same) {
    same.times += 1;
    same.at = new Date();
    fillRow(same);
    return;
  }
  const row = make('button', 'call', '');
  row.type = 'button';
  const entry = { ...request, status, at: new Date(), times: 1, row };
  row.addEventListener('click', () => select(entry));
  fillRow(entry);
  log.unshift(entry);
  const item = make('li', '', '');
  item.append(row);
  part('calls').prepend(item);
  part('calls-idle').hidden = true;
  if (!request.isAutomatic) select(entry);
  if (log.length > maxLoggedCalls) log.pop()?.row.parentElement?.remove();
};

const copyCurl = async () => {
  const curl = part('curl');
  // Outside localhost and https there is no clipboard for scripts; the selected text is the next best.
  try {
    await navigator.clipboard.writeText(curl.textContent ?? '');
    say('copied', 'Copied.', 'good');
  } catch {
    getSelection()?.selectAllChildren(curl);
    say('copied', 'Selected: press Ctrl+C or ⌘C.', 'good');
  }
};

part('copy').addEventListener('click', () => void copyCurl());
