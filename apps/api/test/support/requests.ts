import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { adminKey } from './installation.ts';

/** What a request is sent with besides its body. */
export interface Sender {
  /** The address that the connection comes from; a new one each time, unless the test is about limits. */
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Answer = LightMyRequestResponse;

interface Served {
  readonly app: FastifyInstance;
}

let clients = 0;
let people = 0;

/** A client address that no request of this file has used. */
export const newClient = (): string => {
  clients += 1;
  return `10.${(clients >> 16) & 255}.${(clients >> 8) & 255}.${clients & 255}`;
};

/** An address that no request of this file has used. */
export const newEmail = (): string => {
  people += 1;
  return `person-${people}@example.org`;
};

const optionsOf = ({ from, headers }: Sender): InjectOptions => ({
  remoteAddress: from ?? newClient(),
  ...(headers === undefined ? {} : { headers: { ...headers } }),
});

export const post = (api: Served, url: string, body: unknown, sender: Sender = {}): Promise<Answer> =>
  api.app.inject({ ...optionsOf(sender), method: 'POST', url, payload: body as object });

export const get = (api: Served, url: string, sender: Sender = {}): Promise<Answer> =>
  api.app.inject({ ...optionsOf(sender), method: 'GET', url });

export const resend = (
  api: Served,
  email: string,
  sender: Sender & { readonly body?: object } = {},
): Promise<Answer> => post(api, '/v1/resend-verification', { email, ...sender.body }, sender);

const asAdmin = { authorization: `Bearer ${adminKey}` };

export const getAsAdmin = (api: Served, url: string): Promise<Answer> => get(api, url, { headers: asAdmin });

export const postAsAdmin = (api: Served, url: string): Promise<Answer> =>
  api.app.inject({ ...optionsOf({ headers: asAdmin }), method: 'POST', url });

export const setTenantStatus = (api: Served, tenantId: string, status: string): Promise<Answer> =>
  api.app.inject({
    ...optionsOf({ headers: asAdmin }),
    method: 'PATCH',
    url: `/v1/admin/tenants/${tenantId}/status`,
    payload: { status },
  });

export interface Registered {
  readonly email: string;
  readonly tenantId: string;
  readonly apiKey: string;
}

/** Registers an address that nobody has used, or the given one. */
export const register = async (api: Served, body: object = {}, sender: Sender = {}): Promise<Registered> => {
  const answer = await post(api, '/v1/register', { email: newEmail(), ...body }, sender);
  if (answer.statusCode !== 201) throw new Error(`Not registered: ${answer.statusCode} ${answer.body}`);
  const { tenant, apiKey } = answer.json<{ tenant: { id: string; email: string }; apiKey: string }>();
  return { email: tenant.email, tenantId: tenant.id, apiKey };
};

/** What the tenant of a key sees of itself. */
export const tenantOf = async (
  api: Served,
  { apiKey }: Pick<Registered, 'apiKey'>,
): Promise<Record<string, unknown>> => {
  const answer = await get(api, '/v1/tenants/me', { headers: { authorization: `Bearer ${apiKey}` } });
  return answer.json<{ tenant: Record<string, unknown> }>().tenant;
};
