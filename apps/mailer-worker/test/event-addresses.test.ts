import { describe, expect, test } from 'vitest';
import type { Resolve } from '@reconfirm/process/resolve-allowed';
import { createPostEvent } from '../src/outgoing/post-event.ts';
import { startInbox } from './smtp-inbox.ts';
import { createEndpoint, untilDelivery, verifySomebody } from './support/endpoints.ts';
import { startReceiver } from './support/receiver.ts';
import { openScene } from './support/scene.ts';

const never = new AbortController().signal;
const post = (url: string) => ({ url, headers: {}, body: '{}', signal: never });
const at =
  (...addresses: readonly string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

describe('an event does not go', () => {
  test.each([
    ['127.0.0.1'],
    ['10.0.0.1'],
    ['169.254.169.254'],
    ['192.168.0.1'],
    ['100.100.100.200'],
    ['::1'],
    ['fd00:ec2::254'],
    ['fe80::1'],
    ['64:ff9b::7f00:1'],
    ['::ffff:127.0.0.1'],
    ['2002:7f00:1::'],
    ['224.0.0.1'],
    ['0.0.0.0'],
  ])('to a public name that resolves to %s', async (address) => {
    const send = createPostEvent({ rules: { ports: [443], loopback: false }, resolve: at(address) });
    expect(await send(post('https://app.example.com/'))).toEqual({
      kind: 'failed',
      reason: 'address_not_allowed',
    });
  });

  test('to a name one of whose addresses is private, whichever comes first', async () => {
    for (const addresses of [
      ['93.184.216.34', '10.0.0.1'],
      ['10.0.0.1', '93.184.216.34'],
    ]) {
      const send = createPostEvent({ rules: { ports: [443], loopback: false }, resolve: at(...addresses) });
      expect(await send(post('https://app.example.com/'))).toMatchObject({ reason: 'address_not_allowed' });
    }
  });

  test('to a name that does not resolve, or whose URL is no longer allowed', async () => {
    const nowhere: Resolve = () => Promise.reject(new Error('ENOTFOUND'));
    const rules = { ports: [443], loopback: false };
    expect(await createPostEvent({ rules, resolve: nowhere })(post('https://app.example.com/'))).toEqual({
      kind: 'failed',
      reason: 'unresolvable',
    });
    expect(await createPostEvent({ rules })(post('http://127.0.0.1/'))).toEqual({
      kind: 'failed',
      reason: 'url_not_allowed',
    });
  });

  test('to an endpoint of this machine unless the setting says so, although the row is there', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using receiver = await startReceiver();
    const endpoint = await createEndpoint(scene, receiver.url);
    const named = await createEndpoint(scene, 'https://localhost.localdomain/');
    await scene.start();
    await verifySomebody(scene);
    expect(await untilDelivery(scene, endpoint, ({ failures }) => failures > 0)).toMatchObject({
      attempts: [{ failure: 'url_not_allowed' }],
    });
    const refused = await untilDelivery(scene, named, ({ failures }) => failures > 0);
    expect(['address_not_allowed', 'unresolvable']).toContain(refused.attempts[0]?.failure);
    expect(receiver.received).toEqual([]);
  });
});

test('a name is resolved once for an attempt, and the connection goes to that answer with the name kept', async () => {
  await using receiver = await startReceiver();
  let asked = 0;
  // A name server that tells the truth once: a second look-up would lead elsewhere.
  const rebinding: Resolve = async () => {
    asked += 1;
    return [{ address: asked === 1 ? '127.0.0.1' : '10.255.255.1', family: 4 }];
  };
  const send = createPostEvent({ rules: { ports: [443], loopback: true }, resolve: rebinding });
  const url = `http://app.localhost:${receiver.port}/hooks`;
  expect(await send(post(url))).toEqual({ kind: 'answered', status: 204 });
  expect(asked).toBe(1);
  expect(receiver.received[0]?.headers.host).toBe(`app.localhost:${receiver.port}`);
  expect(await send(post(url)), 'the next attempt asks again and is refused').toEqual({
    kind: 'failed',
    reason: 'address_not_allowed',
  });
});
