import { STATUS_CODES } from 'node:http';
import { expect } from 'vitest';
import { handOverNewest } from '../../support/hand-over.ts';
import { adminKey, type TestApi } from '../../support/installation.ts';
import { type Answer, newEmail } from '../../support/requests.ts';
import type { DialectScene } from './dialect-scene.ts';

export const users = '/api/v1/users';
export const user = '/api/v1/users/:id';
export const invitation = '/api/v1/users/:id/invitation';
export const setPassword = '/api/v1/auth/set-password';
export const goodPassword = 'correct horse battery';

export interface UserAnswer {
  readonly id: string;
  readonly email: string;
  readonly isOrgAdmin: boolean;
  readonly isActive: boolean;
  readonly status: string;
}

/** Seed 000's error body with this code and sentence. */
export const expectRefusal = (
  answer: Answer,
  status: number,
  code: string,
  message?: string,
): Readonly<Record<string, string>> => {
  const body = answer.json<Record<string, unknown>>();
  expect({ status: answer.statusCode, body }).toMatchObject({
    status,
    body: {
      status,
      code,
      error: STATUS_CODES[status],
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/) as string,
      ...(message === undefined ? {} : { message }),
    },
  });
  const members = ['code', 'error', 'message', 'path', 'status', 'timestamp'];
  expect(Object.keys(body).toSorted()).toEqual(
    status === 400 ? [...members, 'validationErrors'].toSorted() : members,
  );
  expect(String(body['path'])).not.toContain('?');
  expect(answer.body).not.toMatch(/\bat [\w.<>]+ \(|node:internal|\.ts:\d|SELECT |INSERT |postgres/i);
  return (body['validationErrors'] ?? {}) as Record<string, string>;
};

/** What an administrator does, as the operator unless said otherwise. */
export const administer = (scene: DialectScene, token: string = adminKey) => ({
  create: (body: object = {}, api?: TestApi) =>
    scene.call({ method: 'POST', path: users, token, body: { email: newEmail(), ...body } }, api),
  list: (query = '') => scene.call({ method: 'GET', path: users, url: `${users}${query}`, token }),
  read: (id: string) => scene.call({ method: 'GET', path: user, url: `${users}/${id}`, token }),
  change: (id: string, body: object) =>
    scene.call({ method: 'PATCH', path: user, url: `${users}/${id}`, token, body }),
  remove: (id: string, api?: TestApi) =>
    scene.call({ method: 'DELETE', path: user, url: `${users}/${id}`, token }, api),
  invitation: (id: string) =>
    scene.call({ method: 'GET', path: invitation, url: `${users}/${id}/invitation`, token }),
  resend: (id: string, body?: object, api?: TestApi) =>
    scene.call(
      {
        method: 'POST',
        path: `${invitation}/resend`,
        url: `${users}/${id}/invitation/resend`,
        token,
        ...(body === undefined ? {} : { body }),
      },
      api,
    ),
  extend: (id: string, body?: object) =>
    scene.call({
      method: 'POST',
      path: `${invitation}/extend`,
      url: `${users}/${id}/invitation/extend`,
      token,
      ...(body === undefined ? {} : { body }),
    }),
  changeInvitation: (id: string, body: object) =>
    scene.call({ method: 'PATCH', path: invitation, url: `${users}/${id}/invitation`, token, body }),
  revoke: (id: string) =>
    scene.call({ method: 'DELETE', path: invitation, url: `${users}/${id}/invitation`, token }),
});

export const accept = (scene: DialectScene, inviteToken: string, password = goodPassword): Promise<Answer> =>
  scene.call({ method: 'POST', path: setPassword, body: { inviteToken, password } });

/** A created user and the token of its mail. */
export const inviteOne = async (
  scene: DialectScene,
  body: object = {},
): Promise<UserAnswer & { readonly token: string }> => {
  const answer = await administer(scene).create(body);
  expect(answer.statusCode).toBe(201);
  const { token } = await handOverNewest(scene.installation.db, scene.api.config);
  return { ...answer.json<UserAnswer>(), token };
};

/** A user who has accepted. */
export const newMember = async (
  scene: DialectScene,
  body: object = {},
): Promise<UserAnswer & { readonly accessToken: string }> => {
  const invited = await inviteOne(scene, body);
  const answer = await accept(scene, invited.token);
  expect(answer.statusCode).toBe(200);
  return { ...invited, accessToken: answer.json<{ accessToken: string }>().accessToken };
};

/** A key of the default organization with these scopes. */
export const newOrganizationKey = async (scene: DialectScene, scopes: readonly string[]): Promise<string> => {
  const answer = await scene.api.app.inject({
    method: 'POST',
    url: '/v1/admin/api-keys',
    headers: { authorization: `Bearer ${adminKey}` },
    payload: { name: 'tests', scopes },
  });
  return answer.json<{ apiKey: string }>().apiKey;
};
