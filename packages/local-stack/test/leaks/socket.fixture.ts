import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { testStores } from '../../src/testing.ts';

test('leaves a socket open', async () => {
  const { hostname, port } = new URL(testStores().adminUrl);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  expect(socket.destroyed).toBe(false);
});
