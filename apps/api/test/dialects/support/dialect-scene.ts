import { expect } from 'vitest';
import { type AccessScene, newSessionKey, openAccess } from '../../support/access-scene.ts';
import {
  type Installation,
  openInstallation,
  type Settings,
  type TestApi,
} from '../../support/installation.ts';
import { answerCheck, type AnswerCheck, type OpenApi } from '../../support/openapi.ts';
import { type Answer, get, newClient, register, type Registered } from '../../support/requests.ts';

/** One call of a contract, and the path that its document has it under. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** With parameters filled in, and the query; the path itself without them. */
  readonly url?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly from?: string;
}

export interface DialectScene {
  readonly installation: Installation;
  readonly api: TestApi;
  readonly access: AccessScene;
  /** Another API on the same stores. */
  startApi(settings: Settings): Promise<TestApi>;
  /** Answers, having been checked against the contract's own document. */
  call(call: Call, api?: TestApi): Promise<Answer>;
  /** An access token of an account. */
  tokenFor(accountId: string): Promise<string>;
  /** Registers by v1 and signs in. */
  newUser(body?: object): Promise<Registered & { readonly token: string }>;
  close(): Promise<void>;
}

/** All contracts of this kind on one installation, with sessions. */
export const openDialect = async (name: string, settings: Settings = {}): Promise<DialectScene> => {
  const installation = await openInstallation();
  const own = {
    CONTRACTS: 'v1,singularity,entryguard',
    SESSION_KEYS: newSessionKey('dialects'),
    RATE_LIMIT_IP: 'off',
    ...settings,
  };
  const api = await installation.startApi(own);
  const access = await openAccess(installation, own);
  const document = (await get(api, `/openapi/${name}.json`)).json<OpenApi>();
  const check = answerCheck(document);
  const tokenFor = async (accountId: string): Promise<string> => {
    const session = await access.sessions.open({
      id: accountId,
      organizationId: '',
      isAdmin: false,
      email: null,
      phone: null,
    });
    return session.accessToken.reveal();
  };
  return {
    installation,
    api,
    access,
    startApi: (changes) => installation.startApi({ ...own, ...changes }),
    call: async ({ method, path, url, token, headers, body, from }, on = api) => {
      const answer = await on.app.inject({
        method,
        url: url ?? path,
        remoteAddress: from ?? newClient(),
        headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
        ...(body === undefined ? {} : { payload: body as object }),
      });
      expectDocumented(document, check, { method, path }, answer);
      return answer;
    },
    tokenFor,
    newUser: async (body = {}) => {
      const registered = await register(api, body);
      return { ...registered, token: await tokenFor(registered.tenantId) };
    },
    close: () => installation.close(),
  };
};

/** What is not documented, or not as documented, fails the test that met it. */
const expectDocumented = (
  document: OpenApi,
  check: AnswerCheck,
  { method, path }: Pick<Call, 'method' | 'path'>,
  answer: Answer,
): void => {
  const documented = path.replaceAll(/:(\w+)/g, '{$1}');
  if (answer.statusCode === 204 || answer.statusCode === 304) {
    const responses = document.paths[documented]?.[method.toLowerCase()]?.responses ?? {};
    expect(Object.keys(responses)).toContain(String(answer.statusCode));
    expect(answer.body).toBe('');
  } else {
    expect(check(method, documented, answer)).toBeUndefined();
  }
};
