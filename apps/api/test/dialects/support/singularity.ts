import { STATUS_CODES } from 'node:http';
import { expect } from 'vitest';
import type { Answer } from '../../support/requests.ts';
import type { DialectScene } from './dialect-scene.ts';

export const verification = '/api/auth/email/verification';
export const send = `${verification}/send`;
export const cooldown = `${verification}/cooldown`;
export const status = `${verification}/status`;

/** Seed 002's envelope with this code, in the body and in the header; a 304 has the header only. */
export const expectRefusal = (answer: Answer, expectedStatus: number, code: string): void => {
  expect([answer.statusCode, answer.headers['x-error-code'], answer.body === '']).toEqual([
    expectedStatus,
    code,
    expectedStatus === 304,
  ]);
  if (expectedStatus === 304) return;
  const body = answer.json<Record<string, unknown>>();
  expect(body).toMatchObject({ status: expectedStatus, code, error: STATUS_CODES[expectedStatus] });
  expect(Object.keys(body).toSorted()).toEqual(['code', 'error', 'message', 'path', 'status', 'timestamp']);
  expect(Date.parse(String(body['timestamp']))).toBeGreaterThan(Date.now() - 60_000);
  expect(String(body['path'])).not.toContain('?');
  expect(answer.body).not.toMatch(/\bat [\w.<>]+ \(|node:internal|\.ts:\d|SELECT |INSERT |postgres/i);
};

export interface SignedIn {
  readonly id: string;
  readonly email: string;
  readonly token: string;
}

/** A signed-in user who has not verified and was sent nothing yet. */
export const newPending = async (scene: DialectScene): Promise<SignedIn> => {
  const { id, email } = await scene.access.createAccount({ status: 'pending' });
  return { id, email, token: await scene.tokenFor(id) };
};
