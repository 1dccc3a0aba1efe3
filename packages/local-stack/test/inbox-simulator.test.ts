import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import nodemailer from 'nodemailer';
import { expect, test } from 'vitest';
import { startInbox, type RunningInbox } from '../src/index.ts';
import { simulatorEnvironment } from '../src/up/process-settings.ts';
import { waitUntil } from '../src/wait-until.ts';

const signingKey = 'key-of-the-simulator';
const messageId = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01@mail.example.com';

interface Report {
  readonly signature: { readonly timestamp: string; readonly token: string; readonly signature: string };
  readonly 'event-data': {
    readonly event: string;
    readonly severity?: string;
    readonly message: { readonly headers: { readonly 'message-id': string } };
  };
}

/** A receiver of webhooks that refuses the first `failures` of them. */
const startReceiver = async (failures = 0): Promise<AsyncDisposable & { url: string; reports: Report[] }> => {
  const reports: Report[] = [];
  let seen = 0;
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    seen += 1;
    if (seen > failures) reports.push(JSON.parse(body) as Report);
    response.writeHead(seen > failures ? 200 : 503).end();
  };
  const server = createServer((request, response) => void take(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/v1/mailgun/webhook`,
    reports,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

/** The server's last words, whether it took the mail or not. */
const send = async (inbox: RunningInbox, localPart: string): Promise<string> => {
  const transport = nodemailer.createTransport({ host: '127.0.0.1', port: inbox.smtpPort, ignoreTLS: true });
  try {
    const to = `${localPart}@Simulator.Reconfirm.Test`;
    const sent = await transport.sendMail({
      from: 'a@b.example',
      to,
      text: 'x',
      messageId: `<${messageId}>`,
    });
    return sent.response;
  } catch (error) {
    return error instanceof Error && 'response' in error ? String(error.response) : String(error);
  } finally {
    transport.close();
  }
};

const eventsOf = (reports: readonly Report[]): string[] =>
  reports.map(({ 'event-data': data }) => [data.event, data.severity ?? ''].join(' ').trim());

test.each([
  ['deliver', ['delivered']],
  ['late-bounce', ['failed permanent']],
  ['complaint+tag', ['delivered', 'complained']],
  ['reject', ['rejected']],
])(
  '%s@ is taken, and what becomes of it is reported in order, signed, under the id of the mail',
  async (localPart, events) => {
    await using receiver = await startReceiver();
    await using inbox = await startInbox({ reportTo: { url: receiver.url, signingKey } });
    expect(await send(inbox, localPart)).toMatch(/^250 /);
    await waitUntil('everything is reported', () => receiver.reports.length === events.length);
    expect(eventsOf(receiver.reports)).toEqual(events);
    for (const { signature, 'event-data': data } of receiver.reports) {
      const mac = createHmac('sha256', signingKey)
        .update(signature.timestamp + signature.token)
        .digest('hex');
      expect(signature.signature).toBe(mac);
      expect(data.message.headers['message-id']).toBe(messageId);
    }
    expect(await inbox.messages()).toHaveLength(1);
  },
);

test('a report that the API cannot take is sent again, signed anew, until it is taken', async () => {
  await using receiver = await startReceiver(2);
  await using inbox = await startInbox({ reportTo: { url: receiver.url, signingKey } });
  await send(inbox, 'complaint');
  await waitUntil('everything is reported', () => receiver.reports.length === 2, 15_000);
  expect(eventsOf(receiver.reports)).toEqual(['delivered', 'complained']);
});

test('an inbox stops at once, whatever it still had to report', async () => {
  const inbox = await startInbox({ reportTo: { url: 'http://127.0.0.1:1/', signingKey } });
  await send(inbox, 'complaint');
  const beganAt = performance.now();
  await inbox.stop();
  expect(performance.now() - beganAt).toBeLessThan(10_000);
});

test('parts that are played at once are refused in the dialogue, and a name that nobody plays says which there are', async () => {
  await using receiver = await startReceiver();
  await using inbox = await startInbox({ reportTo: { url: receiver.url, signingKey } });
  expect(await send(inbox, 'bounce')).toMatch(/^550 5\.1\.1 /);
  expect(await send(inbox, 'defer')).toMatch(/^451 4\.7\.1 /);
  expect(await send(inbox, 'nobody')).toMatch(/^550 5\.1\.1 The simulator knows bounce, .*deliver.*silent/);
  expect(await send(inbox, 'constructor')).toMatch(/^550 5\.1\.1 /);
  expect(await send(inbox, 'silent')).toMatch(/^250 /);
  expect(receiver.reports).toEqual([]);
});

test('without somewhere to report to, a part that needs it is refused and says so', async () => {
  await using inbox = await startInbox();
  expect(await send(inbox, 'complaint')).toMatch(/^550 5\.3\.5 .*INBOX_WEBHOOK_URL/);
  expect(await send(inbox, 'silent')).toMatch(/^250 /);
});

test('in production the inbox reports to nobody: it does not start, and npm start does not ask it to', async () => {
  const main = join(import.meta.dirname, '..', 'src', 'inbox', 'main.ts');
  const env = { NODE_ENV: 'production', INBOX_WEBHOOK_URL: 'http://127.0.0.1:1/', INBOX_WEBHOOK_KEY: 'k' };
  const ended = await new Promise<{ code: unknown; err: string }>((resolve) => {
    execFile(process.execPath, [main, '--smtp-port=0', '--http-port=0'], { env }, (error, _out, err) =>
      resolve({ code: error?.code, err }),
    );
  });
  expect(ended).toMatchObject({ code: 2, err: expect.stringContaining('NODE_ENV is production') });

  expect(simulatorEnvironment({ NODE_ENV: 'production' }, 3000, signingKey)).toEqual({ inbox: {}, api: {} });
  expect(simulatorEnvironment({ MAILGUN_WEBHOOK_SIGNING_KEY: 'theirs' }, 3000, signingKey)).toEqual({
    inbox: {},
    api: {},
  });
  expect(simulatorEnvironment({}, 3000, signingKey)).toEqual({
    inbox: { INBOX_WEBHOOK_URL: 'http://127.0.0.1:3000/v1/mailgun/webhook', INBOX_WEBHOOK_KEY: signingKey },
    api: { MAILGUN_WEBHOOK_SIGNING_KEY: signingKey },
  });
});
