import { expect, test } from 'vitest';
import { startInbox, type ReadMessage, type RunningInbox } from '../src/index.ts';
import { temporaryFolder } from './fixtures/temporary-folder.ts';

const text = 'Your Reconfirm code, good for 10 minutes:\n123456\n\n@localhost #123456';

const call = async (
  inbox: RunningInbox,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: string; type: string | null }> => {
  const response = await fetch(`http://127.0.0.1:${inbox.httpPort}${path}`, {
    ...init,
    headers: { connection: 'close' },
  });
  return { status: response.status, body: await response.text(), type: response.headers.get('content-type') };
};

const post = (inbox: RunningInbox, to: string, more: object = {}): ReturnType<typeof call> =>
  call(inbox, '/sms', {
    method: 'POST',
    body: JSON.stringify({ id: `id of ${to}`, to, from: 'Reconfirm', text, ...more }),
  });

test('an SMS comes out as it went in, with its code, found by any spelling of its number', async () => {
  await using inbox = await startInbox();
  expect((await post(inbox, '+4512345678')).status).toBe(200);
  for (const to of ['+4512345678', '%2B4512345678', '004512345678', '+45%2012%2034%2056%2078']) {
    const { status, body } = await call(inbox, `/api/messages/next?to=${to}&timeoutMs=1000`);
    expect([to, status]).toEqual([to, 200]);
    expect(JSON.parse(body) as ReadMessage).toMatchObject({
      channel: 'sms',
      from: { address: 'Reconfirm' },
      to: [{ address: '+4512345678' }],
      text,
      html: null,
      code: '123456',
    });
  }
  const [summary] = await inbox.messages();
  expect(summary).toMatchObject({ channel: 'sms' });
  expect(await call(inbox, `/api/messages/${summary?.id}/raw`)).toMatchObject({
    body: text,
    type: 'text/plain; charset=utf-8',
  });
});

test('the page shows an SMS with its code beside the mails', async () => {
  await using inbox = await startInbox();
  await post(inbox, '+4512345678');
  expect((await call(inbox, '/')).body).toContain('SMS: Your Reconfirm code');
  const [summary] = await inbox.messages();
  const page = (await call(inbox, `/messages/${summary?.id}`)).body;
  expect(page).toContain('<dt>Code</dt><dd>123456</dd>');
  expect(page).toContain('@localhost #123456');
  expect(page).not.toContain('>HTML</a>');
});

test('SMS survive a restart as SMS', async () => {
  using folder = temporaryFolder();
  const first = await startInbox({ dir: folder.path });
  await post(first, '+4512345678');
  await first.stop();
  await using second = await startInbox({ dir: folder.path });
  expect(await second.next({ to: '+45 12 34 56 78' })).toMatchObject({ channel: 'sms', code: '123456' });
});

test('a repetition of one SMS is kept once, another is another', async () => {
  await using inbox = await startInbox();
  await Promise.all([post(inbox, '+4512345678'), post(inbox, '+4512345678')]);
  await post(inbox, '+4512345678', { id: 'another' });
  expect(await inbox.messages()).toHaveLength(2);
});

test('numbers that play a fault are refused for good, for now, or left without an answer', async () => {
  await using inbox = await startInbox();
  expect(await post(inbox, '+4512340001')).toMatchObject({
    status: 400,
    body: expect.stringContaining('number_invalid') as string,
  });
  expect(await post(inbox, '+4512340002')).toMatchObject({ status: 503 });
  await expect(post(inbox, '+4512340003')).rejects.toThrow();
  expect(await inbox.messages()).toHaveLength(1);
});

test.each(['', '{', '[]', 'null', JSON.stringify({ id: '1', to: 'nobody', text: 'x' }), 'x'.repeat(20_000)])(
  'what is no SMS is refused and not kept',
  async (body) => {
    await using inbox = await startInbox();
    expect((await call(inbox, '/sms', { method: 'POST', body })).status).toBe(400);
    expect(await inbox.messages()).toEqual([]);
  },
);
