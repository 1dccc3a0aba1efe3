import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { SendResult } from '../src/transports/transport.ts';
import { exampleMail, never, openTransport } from './smtp-mail.ts';
import {
  greet,
  startScriptedServer,
  takeEnvelope,
  takeMessage,
  type Dialogue,
} from './smtp-scripted-server.ts';

const describeResult = (result: SendResult): string =>
  result.kind === 'accepted' ? 'accepted' : `${result.failure.kind} ${result.failure.code}`;

const sendTo = async (
  script: (dialogue: Dialogue) => Promise<void>,
  sendTimeoutMs = 3000,
): Promise<string> => {
  await using server = await startScriptedServer(script);
  await using transport = openTransport({ url: server.url, sendTimeoutMs });
  return describeResult(await transport.send(exampleMail(), never()));
};

const answering =
  (command: 'MAIL FROM' | 'RCPT TO' | 'DATA' | 'body', reply: string) => async (dialogue: Dialogue) => {
    await greet(dialogue);
    for (const step of ['MAIL FROM', 'RCPT TO', 'DATA'] as const) {
      await dialogue.answer(step, step === command ? reply : step === 'DATA' ? '354 go on' : '250 ok');
      if (step === command) return;
    }
    await dialogue.readMessage();
    dialogue.write(reply);
  };

describe('a reply of the server ends in a known state', () => {
  test.each([
    ['MAIL FROM', '451 4.3.0 later', 'transient sender_refused'],
    ['MAIL FROM', '550 5.7.1 not you', 'misconfigured sender_refused'],
    ['RCPT TO', '450 4.7.1 greylisted, try again in 5 minutes', 'transient greylisted'],
    ['RCPT TO', '452 4.2.2 full', 'transient recipient_refused'],
    ['RCPT TO', '550 5.1.1 no such user', 'permanent recipient_refused'],
    ['RCPT TO', '503 5.5.1 bad sequence', 'transient protocol'],
    ['DATA', '451 4.3.0 later', 'transient message_refused'],
    ['DATA', '554 5.5.1 no valid recipients', 'permanent message_refused'],
    ['body', '452 4.3.1 disk full', 'transient message_refused'],
    ['body', '554 5.6.0 refused', 'permanent message_refused'],
    ['body', '421 4.3.2 closing', 'transient message_refused'],
  ] as const)('%s answered with %s', async (command, reply, expected) => {
    expect(await sendTo(answering(command, reply))).toBe(expected);
  });

  test.each([
    ['554 5.3.2 no service for you', 'misconfigured greeting'],
    ['421 4.3.2 too busy', 'transient greeting'],
  ])('greeting %s is never the fault of the recipient', async (greeting, expected) => {
    expect(await sendTo(async ({ write }) => write(greeting))).toBe(expected);
  });

  test('what is kept of a reply holds neither the address nor a link nor a token', async () => {
    const reply =
      '550 5.1.1 <reader@example.org> reader: https://app.example.com/v?token=abc 0123456789abcdef0123';
    await using server = await startScriptedServer(answering('RCPT TO', reply));
    await using transport = openTransport({ url: server.url });
    const result = await transport.send(exampleMail(), never());
    expect(result.reply).toBe('550 5.1.1 <[address]> [removed]: [link] [token]');
  });
});

describe('a connection that is cut ends in a known state', () => {
  test('before the greeting', async () => {
    expect(await sendTo(async ({ socket }) => void socket.destroy())).toBe('transient connection_lost');
  });

  test('after MAIL', async () => {
    const result = await sendTo(async (dialogue) => {
      await greet(dialogue);
      await dialogue.answer('MAIL FROM', '250 ok');
      dialogue.socket.destroy();
    });
    expect(result).toBe('transient connection_lost');
  });

  test('after DATA and before 354: certainly not delivered', async () => {
    const result = await sendTo(async (dialogue) => {
      await greet(dialogue);
      await dialogue.answer('MAIL FROM', '250 ok');
      await dialogue.answer('RCPT TO', '250 ok');
      await dialogue.readLine();
      dialogue.socket.resetAndDestroy();
    });
    expect(result).toBe('transient connection_lost');
  });

  test('after the dot: nobody knows, and the message is not sent again by itself', async () => {
    let bodies = 0;
    const result = await sendTo(async (dialogue) => {
      await greet(dialogue);
      await takeEnvelope(dialogue);
      await dialogue.readMessage();
      bodies += 1;
      dialogue.socket.destroy();
    });
    expect(result).toBe('ambiguous connection_lost');
    expect(bodies).toBe(1);
  });

  test('nobody listens', async () => {
    const server = await startScriptedServer(async () => {});
    await server[Symbol.asyncDispose]();
    await using transport = openTransport({ url: server.url });
    expect(describeResult(await transport.send(exampleMail(), never()))).toBe('transient connect');
  });

  test('a name that does not exist is a setting to correct', async () => {
    await using transport = openTransport({ url: 'smtp://mail.invalid:25', sendTimeoutMs: 8000 });
    expect(describeResult(await transport.send(exampleMail(), never()))).toMatch(/ dns$/);
  });
});

describe('a connection that the server ended while idle costs no message', () => {
  const endings: readonly [string, (dialogue: Dialogue) => void][] = [
    ['reset', ({ socket }) => void socket.resetAndDestroy()],
    ['closed', ({ socket }) => void socket.end()],
    ['421', ({ write, socket }) => (write('421 4.4.2 idle too long'), void socket.end())],
  ];
  test.each(endings)('%s between two messages', async (_name, end) => {
    const first = Promise.withResolvers<Dialogue>();
    await using server = await startScriptedServer(async (dialogue) => {
      await greet(dialogue);
      await takeMessage(dialogue);
      if (dialogue.connection === 1) first.resolve(dialogue);
    });
    await using transport = openTransport({ url: server.url, maxConnections: 1 });
    expect(describeResult(await transport.send(exampleMail(), never()))).toBe('accepted');
    const dialogue = await first.promise;
    end(dialogue);
    expect(describeResult(await transport.send(exampleMail(), never()))).toBe('accepted');
    expect(server.connections()).toBe(2);
  });

  test('421 in answer to the next MAIL', async () => {
    await using server = await startScriptedServer(async (dialogue) => {
      await greet(dialogue);
      await takeMessage(dialogue);
      await dialogue.answer('MAIL FROM', '421 4.4.2 idle too long');
    });
    await using transport = openTransport({ url: server.url, maxConnections: 1 });
    expect(describeResult(await transport.send(exampleMail(), never()))).toBe('accepted');
    expect(describeResult(await transport.send(exampleMail(), never()))).toBe('accepted');
    expect(server.connections()).toBe(2);
  });
});

describe('silence ends at the deadline', () => {
  test('a server that accepts and says nothing', async () => {
    expect(await sendTo(async () => {}, 200)).toBe('transient timeout');
  });

  test('a greeting that trickles', async () => {
    const result = await sendTo(async ({ socket }) => {
      const drip = setInterval(() => socket.write('220-'), 20);
      await once(socket, 'close').finally(() => clearInterval(drip));
    }, 300);
    expect(result).toBe('transient timeout');
  });

  test('a server that is silent after MAIL', async () => {
    const result = await sendTo(async (dialogue) => {
      await greet(dialogue);
      await dialogue.readLine();
    }, 300);
    expect(result).toBe('transient timeout');
  });

  test('a reply after the dot that trickles is ambiguous', async () => {
    const result = await sendTo(async (dialogue) => {
      await greet(dialogue);
      await takeEnvelope(dialogue);
      await dialogue.readMessage();
      const drip = setInterval(() => dialogue.socket.write('250-'), 20);
      await once(dialogue.socket, 'close').finally(() => clearInterval(drip));
    }, 400);
    expect(result).toBe('ambiguous timeout');
  });

  test('an abort of the caller is answered at once, ambiguous only when the body had left', async () => {
    const bodyTaken = Promise.withResolvers<void>();
    await using server = await startScriptedServer(async (dialogue) => {
      await greet(dialogue);
      await takeEnvelope(dialogue);
      await dialogue.readMessage();
      bodyTaken.resolve();
    });
    await using transport = openTransport({ url: server.url });
    const controller = new AbortController();
    const sending = transport.send(exampleMail(), controller.signal);
    await bodyTaken.promise;
    const abortedAt = performance.now();
    controller.abort();
    expect(describeResult(await sending)).toBe('ambiguous aborted');
    expect(performance.now() - abortedAt).toBeLessThan(2000);
    expect(describeResult(await transport.send(exampleMail(), AbortSignal.abort()))).toBe(
      'transient aborted',
    );
  });
});

test('faults on every connection leave all of them usable: concurrency never shrinks', async () => {
  const size = 4;
  let healthy = false;
  let open = 0;
  const allOpen = Promise.withResolvers<void>();
  await using server = await startScriptedServer(async (dialogue) => {
    if (!healthy) {
      const fault = dialogue.connection % 4;
      if (fault === 0) return;
      await greet(dialogue);
      if (fault === 1) return void dialogue.socket.resetAndDestroy();
      if (fault === 2) return dialogue.answer('MAIL FROM', '421 4.3.2 closing');
      await takeEnvelope(dialogue);
      await dialogue.readMessage();
      return;
    }
    await greet(dialogue);
    await takeEnvelope(dialogue);
    open += 1;
    if (open === size) allOpen.resolve();
    // Nobody is answered before all of them are served at the same time.
    await allOpen.promise;
    await dialogue.readMessage();
    dialogue.write('250 2.0.0 queued');
    await takeMessage(dialogue);
  });
  await using transport = openTransport({ url: server.url, maxConnections: size, sendTimeoutMs: 400 });
  for (let round = 0; round < 3; round += 1) {
    const results = await Promise.all(
      Array.from({ length: size * 2 }, () => transport.send(exampleMail(), never())),
    );
    expect(results.map(({ kind }) => kind)).not.toContain('accepted');
  }
  healthy = true;
  const results = await Promise.all(
    Array.from({ length: size }, () => transport.send(exampleMail(), never())),
  );
  expect(results.map(describeResult)).toEqual(Array.from({ length: size }, () => 'accepted'));
});
