import { expect, test } from 'vitest';

test('leaves a timer running', () => {
  expect(setInterval(() => undefined, 60_000).hasRef()).toBe(true);
});
