/**
 * The three steps of the demo page. The API key stays in this tab: in memory and, for a reload, in
 * its session storage.
 *
 * @typedef {{ email: string, apiKey: string | null }} Account
 */

const pollMs = 1500;
const pollSlowlyMs = 5000; // When a poll failed, or nothing more is waited for.
const storageKey = 'reconfirm-demo-account';

/** @type {Account | null} */
let account = null;
/** @type {Tenant | null} */
let tenant = null;
let waitUntilMs = 0;
let waitSeconds = 0;
let isPolling = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let pollTimer;

// ---- 1 register

/** @param {Account | null} next */
const setAccount = (next) => {
  account = next;
  tenant = null;
  waitUntilMs = 0;
  part('resend').ariaDisabled = 'false';
  if (next === null) sessionStorage.removeItem(storageKey);
  else sessionStorage.setItem(storageKey, JSON.stringify(next));
  say('register-message', '');
  say('resend-message', '');
  part('register-form').hidden = next !== null;
  part('registered').hidden = next === null;
  part('registered-email').textContent = next?.email ?? '';
  for (const id of ['mail-idle', 'status-idle']) part(id).hidden = next !== null;
  part('mail').hidden = next === null;
  part('status').hidden = next?.apiKey == null;
  part('status-no-key').hidden = next === null || next.apiKey !== null;
  part('mail-email').textContent = next?.email ?? '';
  part('events').replaceChildren();
  showStatus();
  showWait();
};

const register = async () => {
  const email = find('email', HTMLInputElement);
  const name = find('name', HTMLInputElement).value.trim();
  const locale = find('locale', HTMLSelectElement).value;
  const send = { email: email.value.trim(), ...(name !== '' && { name }), locale };
  say('register-message', '');
  const answer = await call({ method: 'POST', path: '/v1/register', send });
  const isEmailWrong = (answer.body.errors ?? []).some(({ field }) => field === 'email');
  email.setAttribute('aria-invalid', String(isEmailWrong));
  if (answer.status === 201 && answer.body.apiKey !== undefined) {
    setAccount({ email: send.email, apiKey: answer.body.apiKey });
  } else if (answer.status === 409) {
    setAccount({ email: send.email, apiKey: null });
    say('resend-message', explain(answer));
  } else {
    say('register-message', explain(answer));
    if (isEmailWrong) email.focus();
    return;
  }
  part('mail-heading').focus();
  await Promise.all([askCooldown(), poll()]);
};

// ---- 2 resend and the cooldown

/** @param {number} seconds */
const startWait = (seconds) => {
  say('wait-announced', '');
  waitUntilMs = Date.now() + seconds * 1000;
  waitSeconds = seconds;
  showWait();
};

const askCooldown = async () => {
  const asked = account;
  if (asked === null) return;
  const path = `/v1/verification/cooldown?email=${encodeURIComponent(asked.email)}`;
  const { status, body } = await call({ method: 'GET', path, isAutomatic: true });
  const seconds = body.remainingSeconds ?? 0;
  // A refusal may have named a longer wait (the limit of the client), which this answer does not know.
  if (asked === account && status === 200 && Date.now() + seconds * 1000 > waitUntilMs) startWait(seconds);
};

const showWait = () => {
  const seconds = Math.ceil((waitUntilMs - Date.now()) / 1000);
  const isOver = seconds <= 0;
  const button = part('resend');
  if (isOver && button.ariaDisabled === 'true') {
    say('wait-announced', 'You can ask for another mail now.');
    // What it says of the wait is no longer true.
    if (part('resend-message').dataset['kind'] === 'bad') say('resend-message', '');
  }
  button.ariaDisabled = String(!isOver);
  part('wait').hidden = isOver;
  if (isOver) return;
  part('wait-text').textContent =
    `You can ask for another mail in ${duration(seconds)}, at ${clock(waitUntilMs)}.`;
  const bar = find('wait-bar', HTMLProgressElement);
  bar.max = waitSeconds;
  bar.value = seconds;
};

const resend = async () => {
  if (account === null) return;
  if (part('resend').ariaDisabled === 'true') {
    say('wait-announced', part('wait-text').textContent ?? '');
    return;
  }
  const asked = account;
  say('resend-message', '');
  const answer = await call({
    method: 'POST',
    path: '/v1/resend-verification',
    send: { email: asked.email },
  });
  if (asked !== account) return;
  if (answer.status === 200) say('resend-message', answer.body.message ?? 'Sent.', 'good');
  else say('resend-message', explain(answer));
  if (answer.retryAfterSeconds > 0) startWait(answer.retryAfterSeconds);
  if (answer.status === 200) await Promise.all([askCooldown(), poll()]);
};

// ---- 3 the status

/** @param {string} id @param {'done' | 'current' | 'waiting' | 'failed'} state @param {string} note */
const setStep = (id, state, note) => {
  const step = part(id);
  step.dataset['state'] = state;
  const words = { done: 'Done', current: 'Now', waiting: 'Not yet', failed: 'Failed' };
  const spoken = step.querySelector('.spoken');
  if (spoken !== null) spoken.textContent = `${words[state]}: `;
  const small = step.querySelector('small');
  if (small !== null) small.textContent = note;
};

const isConfirmed = () => tenant?.status === 'ACTIVE' || tenant?.status === 'PAST_DUE';

const showStatus = () => {
  const mail = tenant?.verificationEmailStatus ?? null;
  const isSent = mail !== null && mail !== 'FAILED';
  const isDelivered = mail === 'DELIVERED' || mail === 'COMPLAINED';
  const since = tenant === null ? '' : `at ${new Date(tenant.createdAt).toLocaleTimeString()}`;
  setStep('step-registered', tenant === null ? 'waiting' : 'done', since);
  if (mail === 'FAILED')
    setStep(
      'step-sent',
      'failed',
      'The mail could not be sent. Check the address, or read the events below.',
    );
  else
    setStep(
      'step-sent',
      isSent ? 'done' : tenant === null ? 'waiting' : 'current',
      isSent ? 'The mail server took it.' : 'The mail is waiting for the worker.',
    );
  if (mail === 'COMPLAINED') setStep('step-delivered', 'failed', 'The recipient reported it as spam.');
  else
    setStep(
      'step-delivered',
      isDelivered ? 'done' : 'waiting',
      isDelivered
        ? 'The receiving server took it.'
        : 'A provider reports this by webhook; a local inbox reports nothing.',
    );
  const isSuspended = tenant?.status === 'SUSPENDED';
  setStep(
    'step-confirmed',
    isConfirmed() ? 'done' : isSuspended ? 'failed' : isSent ? 'current' : 'waiting',
    isConfirmed()
      ? 'The link was used. All done.'
      : isSuspended
        ? 'The account is suspended.'
        : 'Follow the link in the mail and press its button.',
  );
  part('raw-status').textContent = tenant?.status ?? '…';
  part('raw-mail').textContent = String(mail);
};

/** @param {TenantEvent[]} events Oldest first. */
const showEvents = (events) => {
  if (events.length === part('events').childElementCount) return;
  const rows = events.toReversed().map(({ eventType, createdAt }) => {
    const row = make('li', '', '');
    const time = make('time', '', new Date(createdAt).toLocaleTimeString());
    time.dateTime = createdAt;
    row.append(time, make('code', '', eventType));
    return row;
  });
  part('events').replaceChildren(...rows);
};

/** @param {number} ms */
const pollIn = (ms) => {
  clearTimeout(pollTimer);
  pollTimer = setTimeout(() => void poll(), ms);
};

const poll = async () => {
  const asked = account;
  if (isPolling || asked?.apiKey == null || document.hidden) return;
  isPolling = true;
  const shared = { method: /** @type {const} */ ('GET'), apiKey: asked.apiKey, isAutomatic: true };
  const me = await call({ ...shared, path: '/v1/tenants/me' });
  const events = me.status === 200 ? await call({ ...shared, path: '/v1/tenants/events' }) : null;
  isPolling = false;
  if (asked !== account) {
    pollIn(0);
    return;
  }
  if (me.status === 200 && me.body.tenant !== undefined) tenant = me.body.tenant;
  showStatus();
  if (events?.status === 200) showEvents(events.body.events ?? []);
  if (me.status !== 200 && me.status !== 0) say('status-message', explain(me));
  else say('status-message', isConfirmed() ? 'Your address is confirmed.' : '', 'good');
  // A refused key stays refused. A confirmed account may still get reports about its mail, now and then.
  if (me.status === 401) return;
  const isQuick = me.status === 200 && !isConfirmed();
  pollIn(isQuick ? pollMs : Math.max(pollSlowlyMs, me.retryAfterSeconds * 1000));
};

// ---- wiring

/** One press, one call: a second press waits for the first answer. @param {HTMLElement} button @param {() => Promise<void>} work */
const whileBusy = async (button, work) => {
  if (button.ariaBusy === 'true') return;
  button.ariaBusy = 'true';
  await work();
  button.ariaBusy = 'false';
};

const stored = () => {
  try {
    /** @type {Partial<Account>} */
    const { email, apiKey } = JSON.parse(sessionStorage.getItem(storageKey) ?? '{}');
    return typeof email === 'string' ? { email, apiKey: typeof apiKey === 'string' ? apiKey : null } : null;
  } catch {
    return null;
  }
};

part('register-form').addEventListener('submit', (event) => {
  event.preventDefault();
  void whileBusy(part('register'), register);
});
part('resend').addEventListener('click', () => void whileBusy(part('resend'), resend));
part('start-over').addEventListener('click', () => {
  setAccount(null);
  part('email').focus();
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden || account === null) return;
  void Promise.all([askCooldown(), poll()]);
});
setInterval(showWait, 500);
setAccount(stored());
if (account !== null) void Promise.all([askCooldown(), poll()]);
