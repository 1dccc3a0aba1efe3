import nodemailer from 'nodemailer';
import { expect, test } from 'vitest';
import { startInbox, type ReadMessage, type RunningInbox } from '../src/index.ts';
import { temporaryFolder } from './fixtures/temporary-folder.ts';

const LINK = 'https://app.example.com/verify?token=abc&lang=en';

const MAIL = {
  from: 'Reconfirm <no-reply@reconfirm.localhost>',
  subject: 'Confirm ‘your’ address <now>',
  text: `Follow ${LINK}.`,
  html: `<html><head><title>x</title></head><body><a href="${LINK.replace('&', '&amp;')}">Confirm</a><script>alert(1)</script></body></html>`,
};

const send = async (inbox: RunningInbox, to: string, subject = MAIL.subject): Promise<string> => {
  const transport = nodemailer.createTransport({ host: '127.0.0.1', port: inbox.smtpPort, ignoreTLS: true });
  try {
    return (await transport.sendMail({ ...MAIL, to, subject })).response;
  } finally {
    transport.close();
  }
};

/** The server's words when it refuses. */
const refusal = async (inbox: RunningInbox, to: string): Promise<string> => {
  try {
    return `accepted: ${await send(inbox, to)}`;
  } catch (error) {
    return error instanceof Error && 'response' in error ? String(error.response) : String(error);
  }
};

type Init = { method?: string; headers?: Record<string, string> };

const get = async (
  inbox: RunningInbox,
  path: string,
  init?: Init,
): Promise<{ status: number; body: string; headers: Headers }> => {
  const response = await fetch(`http://127.0.0.1:${inbox.httpPort}${path}`, {
    ...init,
    headers: { connection: 'close', ...init?.headers },
    redirect: 'manual',
  });
  return { status: response.status, body: await response.text(), headers: response.headers };
};

const read = (body: string): ReadMessage => JSON.parse(body) as ReadMessage;

test('a mail comes out as it went in, with its link', async () => {
  await using inbox = await startInbox();
  await send(inbox, 'ada@example.com');
  const { status, body } = await get(inbox, '/api/messages/next?to=ADA@example.com');
  expect(status).toBe(200);
  expect(read(body)).toMatchObject({
    envelope: { from: 'no-reply@reconfirm.localhost', to: ['ada@example.com'] },
    from: { name: 'Reconfirm', address: 'no-reply@reconfirm.localhost' },
    to: [{ name: '', address: 'ada@example.com' }],
    subject: MAIL.subject,
    links: [LINK],
  });
  expect(read(body).text).toContain(`Follow ${LINK}.`);
  expect(read(body).headers.filter(({ name }) => name === 'message-id')).toHaveLength(1);
  const raw = await get(inbox, `/api/messages/${read(body).id}/raw`);
  expect(raw.headers.get('content-type')).toBe('message/rfc822');
  expect(raw.body).toMatch(/^From: Reconfirm <no-reply@reconfirm\.localhost>\r\n/);
});

test('mails survive a restart, and what arrives later still sorts later', async () => {
  using folder = temporaryFolder();
  const first = await startInbox({ dir: folder.path });
  await send(first, 'ada@example.com', 'one');
  await first.stop();
  await using second = await startInbox({ dir: folder.path });
  await send(second, 'ada@example.com', 'two');
  expect((await second.messages()).map(({ subject }) => subject)).toEqual(['one', 'two']);
});

test('beyond the capacity the oldest mail goes', async () => {
  using folder = temporaryFolder();
  await using inbox = await startInbox({ dir: folder.path, capacity: 2 });
  for (const subject of ['one', 'two', 'three']) await send(inbox, 'ada@example.com', subject);
  expect((await inbox.messages()).map(({ subject }) => subject)).toEqual(['two', 'three']);
});

test('bounce@ is refused for good and defer@ for now, every time', async () => {
  await using inbox = await startInbox();
  expect(await refusal(inbox, 'bounce@example.com')).toMatch(/^550 5\.1\.1 /);
  expect(await refusal(inbox, 'bounce+tag@example.com')).toMatch(/^550 5\.1\.1 /);
  expect(await refusal(inbox, 'defer@example.com')).toMatch(/^451 4\.7\.1 /);
  expect(await refusal(inbox, 'defer@example.com')).toMatch(/^451 4\.7\.1 /);
  expect(await inbox.messages()).toEqual([]);
});

test('greylist@ is deferred once for each address and then accepted', async () => {
  await using inbox = await startInbox();
  expect(await refusal(inbox, 'greylist@example.com')).toMatch(/^451 4\.7\.1 /);
  expect(await refusal(inbox, 'greylist@example.com')).toMatch(/^accepted: 250 /);
  expect(await refusal(inbox, 'greylist@example.org')).toMatch(/^451 4\.7\.1 /);
});

test('waiting for the next mail ends with the mail that was meant, and only a later one', async () => {
  await using inbox = await startInbox();
  await send(inbox, 'ada@example.com', 'first');
  const first = read((await get(inbox, '/api/messages/next?to=ada@example.com')).body);
  const waiting = get(inbox, `/api/messages/next?to=ada@example.com&after=${first.id}&timeoutMs=10000`);
  await send(inbox, 'bob@example.com', 'not this one');
  await send(inbox, 'ada@example.com', 'second');
  expect(read((await waiting).body).subject).toBe('second');
});

test('waiting in vain answers 408 after the time asked for', async () => {
  await using inbox = await startInbox();
  const { status, body } = await get(inbox, '/api/messages/next?to=nobody@example.com&timeoutMs=50');
  expect(status).toBe(408);
  expect(JSON.parse(body)).toMatchObject({ code: 'no_message' });
});

test('stopping ends the requests that wait', async () => {
  const inbox = await startInbox();
  const waiting = inbox.next({ timeoutMs: 60_000 });
  await inbox.stop();
  expect(await waiting).toBeUndefined();
});

test('deleting forgets everything, on disk too', async () => {
  using folder = temporaryFolder();
  const inbox = await startInbox({ dir: folder.path });
  await send(inbox, 'ada@example.com');
  expect((await get(inbox, '/api/messages', { method: 'DELETE' })).status).toBe(204);
  await inbox.stop();
  await using again = await startInbox({ dir: folder.path });
  expect(await again.messages()).toEqual([]);
});

test('nothing in a mail can run, load or leave the page that shows it', async () => {
  await using inbox = await startInbox();
  await send(inbox, 'ada@example.com', '<script>alert(1)</script>');
  const [message] = await inbox.messages();
  const list = await get(inbox, '/');
  expect(list.body).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(list.body).not.toContain('<script>alert');
  const page = await get(inbox, `/messages/${message?.id}`);
  expect(page.body).toMatch(/<iframe [^>]*sandbox="allow-popups allow-popups-to-escape-sandbox"/);
  const mail = await get(inbox, `/messages/${message?.id}/html`);
  expect(mail.body).toContain('<head><base target="_blank">');
  expect(mail.headers.get('content-security-policy')).toMatch(
    /^sandbox allow-popups [^;]*; default-src 'none'/,
  );
});

test('a page elsewhere can neither read the mails under its own name nor delete them', async () => {
  await using inbox = await startInbox();
  await send(inbox, 'ada@example.com');
  const rebound = await fetchAsHost(inbox, 'attacker.example');
  expect(rebound).toBe(403);
  const foreign = await get(inbox, '/api/messages', {
    method: 'DELETE',
    headers: { origin: 'https://attacker.example' },
  });
  expect(foreign.status).toBe(403);
  expect(await inbox.messages()).toHaveLength(1);
});

test.each([
  ['/api/messages/nothing', 404],
  ['/api/messages/..%2F..%2Fetc%2Fpasswd/raw', 404],
  ['/messages/nothing', 404],
  ['/api/messages?after=yesterday', 400],
  ['/api/messages/next?timeoutMs=-1', 400],
  ['//', 400],
])('GET %s answers %i and no stack', async (path, expected) => {
  await using inbox = await startInbox();
  const { status, body } = await get(inbox, path);
  expect(status).toBe(expected);
  expect(body).not.toMatch(/\bat .*\.ts:\d+/);
});

test('a port that is taken is named in one sentence', async () => {
  await using inbox = await startInbox();
  await expect(startInbox({ smtpPort: inbox.smtpPort })).rejects.toThrow(`Port ${inbox.smtpPort} is in use`);
  await expect(startInbox({ httpPort: inbox.httpPort })).rejects.toThrow(`Port ${inbox.httpPort} is in use`);
});

/** `fetch` does not let the Host header be set. */
const fetchAsHost = async (inbox: RunningInbox, host: string): Promise<number> => {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    request(
      { host: '127.0.0.1', port: inbox.httpPort, path: '/api/messages', headers: { host }, agent: false },
      (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0));
      },
    )
      .once('error', reject)
      .end();
  });
};
