import { createHttpClient, type Answer, type HttpClient } from './http-client.ts';

export interface Tenant {
  readonly id: string;
  readonly status: string;
  readonly verificationEmailStatus: string | null;
  readonly verifiedAt: string | null;
}

export interface Message {
  readonly id: string;
  readonly email: string | null;
  readonly status: string;
  readonly reason: string | null;
  readonly attempts: number;
}

export interface Story {
  readonly message: Message;
  readonly summary: string;
  readonly timeline: readonly { readonly at: string; readonly what: string; readonly detail?: string }[];
}

export interface Problem {
  readonly code: string;
  readonly reason: string;
}

export interface Registered {
  readonly tenant: Tenant;
  readonly apiKey: string;
}

/** The v1 contract as an application, a tenant and an operator use it. */
export interface ApiClient extends HttpClient {
  register(email: string): Promise<Answer<Registered & Problem>>;
  resend(email: string): Promise<Answer<Problem>>;
  cooldownSeconds(email: string): Promise<number>;
  check(token: string): Promise<{ readonly valid: boolean; readonly email?: string }>;
  confirm(token: string): Promise<Answer<Problem>>;
  me(apiKey: string): Promise<Tenant>;
  eventTypes(apiKey: string): Promise<readonly string[]>;
  /** Every message that passes the filter, newest first, over all pages. */
  messages(filter?: Readonly<Record<string, string>>): Promise<readonly Message[]>;
  story(messageId: string): Promise<Story>;
}

export const createApiClient = (port: number, adminKey: string): ApiClient => {
  const http = createHttpClient(port);
  const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

  /** The body of a question that has to succeed. */
  const read = async <Body>(path: string, key?: string): Promise<Body> => {
    const answer = await http.ask<Body>('GET', path, key === undefined ? {} : bearer(key));
    if (answer.status !== 200)
      throw new Error(`GET ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };

  const messages: ApiClient['messages'] = async (filter = {}) => {
    const found: Message[] = [];
    let cursor: string | null = null;
    do {
      const query = new URLSearchParams({ ...filter, limit: '100', ...(cursor !== null && { cursor }) });
      const page: { messages: Message[]; nextCursor: string | null } = await read(
        `/v1/admin/messages?${query.toString()}`,
        adminKey,
      );
      found.push(...page.messages);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return found;
  };

  return {
    ...http,
    register: (email) => http.ask('POST', '/v1/register', { json: { email } }),
    resend: (email) => http.ask('POST', '/v1/resend-verification', { json: { email } }),
    cooldownSeconds: async (email) => {
      const query = new URLSearchParams({ email });
      return (await read<{ remainingSeconds: number }>(`/v1/verification/cooldown?${query.toString()}`))
        .remainingSeconds;
    },
    check: (token) => read(`/v1/verify-email/check?token=${token}`),
    confirm: (token) => http.ask('POST', '/v1/verify-email', { json: { token } }),
    me: async (apiKey) => (await read<{ tenant: Tenant }>('/v1/tenants/me', apiKey)).tenant,
    eventTypes: async (apiKey) => {
      const { events } = await read<{ events: { eventType: string }[] }>('/v1/tenants/events', apiKey);
      return events.map(({ eventType }) => eventType);
    },
    messages,
    story: (messageId) => read(`/v1/admin/messages/${messageId}`, adminKey),
  };
};
