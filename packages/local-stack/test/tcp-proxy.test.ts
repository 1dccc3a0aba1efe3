import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSilentPort, openTcpProxy, type TcpProxy, type TcpProxyOptions } from '../src/index.ts';

interface EchoServer extends AsyncDisposable {
  readonly url: string;
  /** What each connection said, the oldest first. */
  readonly said: Buffer[];
  readonly ended: number[];
}

/** Says everything back, and ends when the other side does. */
const startEcho = async (): Promise<EchoServer> => {
  const said: Buffer[] = [];
  const ended: number[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const index = said.push(Buffer.alloc(0)) - 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('end', () => ended.push(index));
    socket.on('data', (bytes) => {
      said[index] = Buffer.concat([said[index] ?? Buffer.alloc(0), bytes]);
    });
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    said,
    ended,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

interface Talk {
  readonly socket: Socket;
  heard(): string;
  /** Resolves to the code of the error that ended it, or to `end`. */
  readonly over: Promise<string>;
}

const talkTo = async (port: number): Promise<Talk> => {
  const socket = connect(port, '127.0.0.1');
  const { promise: over, resolve } = Promise.withResolvers<string>();
  let heard = '';
  socket.on('data', (bytes) => (heard += bytes.toString('latin1')));
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  socket.on('end', () => resolve('end'));
  talks.add(socket);
  await once(socket, 'connect').catch(() => undefined);
  return { socket, heard: () => heard, over };
};

const talks = new Set<Socket>();
let echo: EchoServer;
const opened: TcpProxy[] = [];
const openProxy = async (options?: TcpProxyOptions): Promise<TcpProxy> => {
  const proxy = await openTcpProxy(echo.url, options);
  opened.push(proxy);
  return proxy;
};

beforeEach(async () => {
  echo = await startEcho();
});
afterEach(async () => {
  for (const socket of talks) socket.destroy();
  talks.clear();
  for (const proxy of opened.splice(0)) await proxy[Symbol.asyncDispose]();
  await echo[Symbol.asyncDispose]();
});

const expectHeard = (talk: Talk, text: string): Promise<void> =>
  expect.poll(talk.heard, { timeout: 10_000, interval: 5 }).toBe(text);

/** A round trip over another connection: what was said before it has arrived, or never will. */
const expectPasses = async (proxy: TcpProxy): Promise<void> => {
  const other = await talkTo(proxy.port);
  other.socket.write('through');
  await expectHeard(other, 'through');
};

describe('a proxy that is open', () => {
  test('carries every byte both ways, and the end', async () => {
    const proxy = await openProxy();
    // More than the buffers of all sockets together.
    const sent = Buffer.alloc(8 * 1024 * 1024, 'every byte counts ');
    const socket = connect(proxy.port, '127.0.0.1');
    talks.add(socket);
    socket.end(sent);
    expect((await buffer(socket)).equals(sent)).toBe(true);
    expect(echo.ended).toEqual([0]);
  });

  test('is reached by the URL of the server with another port', async () => {
    const proxy = await openTcpProxy('redis://:secret@[::1]/3');
    opened.push(proxy);
    expect(proxy.url).toBe(`redis://:secret@127.0.0.1:${proxy.port}/3`);
  });
});

describe('a proxy that is slow', () => {
  test('lets every piece arrive so much later, and none overtake another', async () => {
    const jitter = [1, 0, 0.5, 0, 1, 0];
    const proxy = await openProxy({
      first: { latencyMs: 100, jitterMs: 200 },
      random: () => jitter.shift() ?? 0,
    });
    const { socket, ...talk } = await talkTo(proxy.port);
    socket.setNoDelay();
    const startMs = performance.now();
    for (const piece of ['one ', 'two ', 'three ']) {
      socket.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expectHeard({ socket, ...talk }, 'one two three ');
    // There with the whole jitter, and back.
    expect(performance.now() - startMs).toBeGreaterThan(300 + 100 - 10);
  });

  test('carries no more bytes a second than it may', async () => {
    const proxy = await openProxy({ first: { bytesPerSecond: 100_000 } });
    const talk = await talkTo(proxy.port);
    const startMs = performance.now();
    talk.socket.write(Buffer.alloc(40_000, 'x'));
    await expect.poll(() => echo.said[0]?.length, { timeout: 10_000, interval: 5 }).toBe(40_000);
    expect(performance.now() - startMs).toBeGreaterThan(390);
  });

  test('keeps its connections when it becomes fast again', async () => {
    const proxy = await openProxy({ first: { latencyMs: 60_000 } });
    await proxy.become({ latencyMs: 20 });
    const talk = await talkTo(proxy.port);
    talk.socket.write('slow ');
    await expectHeard(talk, 'slow ');
    await proxy.become('open');
    talk.socket.write('fast');
    await expectHeard(talk, 'slow fast');
  });
});

describe('a proxy that is silent', () => {
  test('takes connections and bytes, says nothing, and ends nothing', async () => {
    const proxy = await openProxy();
    const before = await talkTo(proxy.port);
    before.socket.write('heard');
    await expectHeard(before, 'heard');
    await proxy.become('silent');
    const after = await talkTo(proxy.port);
    for (const { socket } of [before, after]) socket.write(' unheard');
    await expect.poll(() => proxy.swallowed()).toBe(2);
    expect([before.heard(), after.heard()]).toEqual(['heard', '']);
    expect(echo.said.map(String)).toEqual(['heard']);
    expect([before, after].map(({ socket }) => socket.readyState)).toEqual(['open', 'open']);
  });

  test('resets what lost bytes when it opens again', async () => {
    const proxy = await openProxy({ first: 'silent' });
    const talk = await talkTo(proxy.port);
    talk.socket.write('lost');
    await proxy.become('open');
    expect(await talk.over).toBe('ECONNRESET');
    await expectPasses(proxy);
    expect(echo.said.map(String)).toEqual(['through']);
  });

  test('needs no server', async () => {
    await using silent = await openSilentPort();
    const talk = await talkTo(silent.port);
    talk.socket.write('anybody?');
    await expect.poll(() => silent.swallowed()).toBe(1);
    expect(talk.socket.readyState).toBe('open');
  });
});

describe('a proxy that is closed', () => {
  test.each(['from the start', 'later'])(
    '(%s) refuses connections, and opens on the same port',
    async (when) => {
      const proxy = await openProxy({ first: when === 'later' ? 'open' : 'closed' });
      if (when === 'later') {
        const talk = await talkTo(proxy.port);
        await expectPasses(proxy);
        await proxy.become('closed');
        expect(await talk.over).toBe('ECONNRESET');
      }
      expect(await (await talkTo(proxy.port)).over).toBe('ECONNREFUSED');
      await proxy.become('open');
      await expectPasses(proxy);
    },
  );

  test('is what disposing leaves', async () => {
    const proxy = await openTcpProxy(echo.url);
    const talk = await talkTo(proxy.port);
    await proxy[Symbol.asyncDispose]();
    expect(await talk.over).toBe('ECONNRESET');
    expect(await (await talkTo(proxy.port)).over).toBe('ECONNREFUSED');
  });
});

describe('connections', () => {
  test('are reset at once by a proxy with nothing behind it', async () => {
    const proxy = await openProxy({ first: 'resetting' });
    expect(await (await talkTo(proxy.port)).over).toBe('ECONNRESET');
    expect(echo.said).toEqual([]);
  });

  test('are reset when their server is away', async () => {
    const proxy = await openTcpProxy('tcp://127.0.0.1:1');
    opened.push(proxy);
    expect(await (await talkTo(proxy.port)).over).toBe('ECONNRESET');
  });

  test('can be reset all at once, and new ones pass', async () => {
    const proxy = await openProxy();
    const both = [await talkTo(proxy.port), await talkTo(proxy.port)];
    await expectPasses(proxy);
    proxy.resetConnections();
    expect(await Promise.all(both.map(({ over }) => over))).toEqual(['ECONNRESET', 'ECONNRESET']);
    await expectPasses(proxy);
  });

  test('can be frozen, and new ones pass', async () => {
    const proxy = await openProxy();
    const talk = await talkTo(proxy.port);
    await expectPasses(proxy);
    proxy.freezeConnections();
    talk.socket.write('unheard');
    await expect.poll(() => proxy.swallowed()).toBe(1);
    await expectPasses(proxy);
    expect([talk.heard(), talk.socket.readyState]).toEqual(['', 'open']);
    expect(String(echo.said[0])).toBe('');
  });
});

describe('a connection that is cut', () => {
  test('after a number of bytes has carried so many, and no more', async () => {
    const proxy = await openProxy();
    const talk = await talkTo(proxy.port);
    talk.socket.write('before ');
    await expectHeard(talk, 'before ');
    const cut = proxy.cutAfter('client', { bytes: 5 });
    talk.socket.write('123');
    talk.socket.write('4567890');
    await cut;
    expect(await talk.over).toBe('ECONNRESET');
    await expect.poll(() => echo.ended).toEqual([0]);
    expect(String(echo.said[0])).toBe('before 12345');
  });

  test('after a text, also one in pieces, has carried it to its end', async () => {
    const proxy = await openProxy();
    const talk = await talkTo(proxy.port);
    const cut = proxy.cutAfter('client', { text: '\r\n.\r\n' });
    talk.socket.setNoDelay();
    talk.socket.write('Dear Ada,\r\n.');
    await expectHeard(talk, 'Dear Ada,\r\n.');
    talk.socket.write('\r\nQUIT\r\n');
    await cut;
    await expect.poll(() => echo.ended).toEqual([0]);
    expect(String(echo.said[0])).toBe('Dear Ada,\r\n.\r\n');
  });

  test('by what the server says ends for the client right behind it', async () => {
    const proxy = await openProxy();
    const talk = await talkTo(proxy.port);
    const cut = proxy.cutAfter('server', { text: '250 ' });
    talk.socket.write('250 Kept');
    await cut;
    expect(await talk.over).toBe('end');
    expect(talk.heard()).toBe('250 ');
  });

  test('is the one that said it, and only once', async () => {
    const proxy = await openProxy();
    const [first, second] = [await talkTo(proxy.port), await talkTo(proxy.port)];
    const cut = proxy.cutAfter('client', { text: 'ab' });
    first.socket.write('a');
    await expectHeard(first, 'a');
    second.socket.write('b');
    await expectHeard(second, 'b');
    first.socket.write('b');
    await cut;
    second.socket.write('ab');
    await expectHeard(second, 'bab');
  });
});

test('an answer that is lost leaves the server told and the client without a byte of it', async () => {
  const proxy = await openProxy();
  const talk = await talkTo(proxy.port);
  talk.socket.write('SELECT');
  await expectHeard(talk, 'SELECT');
  const lost = proxy.loseAnswerTo('COMMIT');
  talk.socket.write(' COMMIT');
  await lost;
  expect(await talk.over).toBe('ECONNRESET');
  expect([talk.heard(), String(echo.said[0])]).toEqual(['SELECT', 'SELECT COMMIT']);
  await expectPasses(proxy);
});

test('a proxy that is shut at a text lets nothing through that holds it, nor anything that is said later', async () => {
  const proxy = await openProxy();
  const [first, second] = [await talkTo(proxy.port), await talkTo(proxy.port)];
  const shut = proxy.shutAt('Kept as');
  first.socket.write('UPDATE; ');
  await expectHeard(first, 'UPDATE; ');
  first.socket.write('Kept as 1');
  await shut;
  second.socket.write('later');
  await expect.poll(() => proxy.swallowed()).toBe(2);
  expect(echo.said.map(String).toSorted()).toEqual(['', 'UPDATE; ']);
  await proxy.become('open');
  expect(await first.over).toBe('ECONNRESET');
  await expectPasses(proxy);
});
