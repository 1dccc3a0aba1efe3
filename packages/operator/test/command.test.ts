import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';

const adminKey = 'admin-key-of-the-tests-0123456789';

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command with nothing in its environment but what is given. */
const run = (
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> =>
  new Promise((resolve) => {
    const file = new URL(`../src/${name}.ts`, import.meta.url).pathname;
    execFile(process.execPath, [file, ...args], { env, timeout: 60_000 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err });
    });
  });

const startServer = async (listener: RequestListener): Promise<AsyncDisposable & { url: string }> => {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

// Each case starts a process, which takes a second or two on a busy machine.
describe.each(['why', 'test-message'])('%s', { timeout: 120_000 }, (name) => {
  test('explains itself and leaves', async () => {
    const { code, out, err } = await run(name, ['--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`Usage: npm run ${name} -- <address`);
  });

  test('says all that is wrong with arguments and settings, and ends with 78', async () => {
    const address = 'ada@example.com';
    // Another key than a local installation's is asked for, so that this holds beside one too.
    for (const [args, env, words] of [
      [[], { ADMIN_KEY: adminKey }, /one address/],
      [[address, 'b'], { ADMIN_KEY: adminKey }, /one address/],
      [[address, '--what'], {}, /--what/],
      [[address], { ADMIN_KEY: adminKey }, /PUBLIC_URL, or --api/],
      [[address], { PUBLIC_URL: 'https://verify.example.com' }, /ADMIN_KEY/],
      [[address], { ADMIN_KEY: 'short' }, /ADMIN_KEY must have at least 24/],
      [[address, '--api', 'nonsense'], { ADMIN_KEY: adminKey }, /--api must be a URL/],
      [[address], { ADMIN_KEY_FILE: '/nonexistent/key' }, /ADMIN_KEY_FILE cannot be read/],
    ] as const) {
      const { code, out, err } = await run(name, args, env);
      expect({ code, out }).toEqual({ code: 78, out: '' });
      expect(err).toMatch(words);
      expect(err).not.toContain(adminKey);
    }
  });

  test('an API that is not there, or is something else, is told in a sentence', async () => {
    const env = { ADMIN_KEY: adminKey };
    const gone = await run(name, ['ada@example.com', '--api', 'http://127.0.0.1:1'], env);
    expect(gone).toMatchObject({ code: 1, out: '' });
    expect(gone.err).toMatch(/^The API at http:\/\/127\.0\.0\.1:1 does not answer: .+\.\n$/);

    let foreign = 0;
    await using elsewhere = await startServer((_, response) => {
      foreign += 1;
      response.end('{}');
    });
    await using redirecting = await startServer((_, response) =>
      response.writeHead(307, { location: elsewhere.url }).end(),
    );
    await using other = await startServer((_, response) => response.writeHead(502).end('<html>'));
    expect((await run(name, ['ada@example.com', '--api', other.url], env)).err).toMatch(
      /answered 502, and not as ours does/,
    );
    // The key is sent to nobody that the API names.
    expect((await run(name, ['ada@example.com', '--api', redirecting.url], env)).code).toBe(1);
    expect(foreign).toBe(0);
  });
});

test('what the API finds wrong with a request is repeated', async () => {
  await using api = await startServer((_, response) => {
    response.writeHead(400, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ errors: [{ field: 'purpose', message: 'must be one of signup here' }] }));
  });
  const { code, err } = await run('test-message', ['ada@example.com', '--purpose', 'x', '--api', api.url], {
    ADMIN_KEY: adminKey,
  });
  expect({ code, err }).toEqual({
    code: 1,
    err: 'The API refused (400): purpose must be one of signup here\n',
  });
});
