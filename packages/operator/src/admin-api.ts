import type { DeliveryState } from '@reconfirm/core/delivery-state';
import type { Channel } from '@reconfirm/core/destination';
import type { Secret } from '@reconfirm/core/secret';

/** As the operator's routes answer. */
export interface Message {
  readonly id: string;
  readonly channel: Channel;
  readonly purpose: string;
  readonly contract: string;
  readonly state: DeliveryState;
  readonly reason: string | null;
  readonly provider: string | null;
  readonly acceptedAt: string;
}

export interface Story {
  readonly message: Message;
  readonly summary: string;
  readonly timeline: readonly { readonly at: string; readonly what: string; readonly detail?: string }[];
}

export interface AddressAnswer {
  readonly messages: readonly Message[];
  readonly addressLabel?: string;
  readonly limitsSummary?: string;
}

export interface WantedTest {
  readonly email?: string;
  readonly phone?: string;
  readonly purpose?: string;
  readonly locale?: string;
  readonly organizationId?: string;
}

/** What keeps a command from its answer, as a sentence for whoever ran it. */
export class ApiProblem extends Error {
  /** Undefined when there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/** The operator's routes of a running API. Each call throws `ApiProblem`, after 10 s at the latest. */
export interface AdminApi {
  ofAddress(address: string, limit: number, organizationId: string | undefined): Promise<AddressAnswer>;
  story(messageId: string): Promise<Story>;
  sendTest(test: WantedTest): Promise<string>;
}

const timeoutMs = 10_000;

interface ProblemBody {
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

export const createAdminApi = (url: string, adminKey: Secret): AdminApi => {
  const ask = async <Body>(path: string, body?: object): Promise<Body> => {
    const response = await fetch(new URL(path, url), {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${adminKey.reveal()}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      // The key goes to this server and to no other.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw new ApiProblem(`The API at ${url} does not answer: ${reasonOf(error)}.`);
    });
    const answer = await response.json().catch(() => undefined);
    if (response.ok && answer !== undefined) return answer as Body;
    throw new ApiProblem(
      sentenceOf(url, response.status, answer as ProblemBody | undefined),
      response.status,
    );
  };

  return {
    ofAddress: (address, limit, organizationId) =>
      ask(
        `/v1/admin/messages?${new URLSearchParams({
          address,
          limit: String(limit),
          ...(organizationId !== undefined && { organizationId }),
        }).toString()}`,
      ),
    story: (id) => ask(`/v1/admin/messages/${encodeURIComponent(id)}`),
    sendTest: async (test) => (await ask<{ messageId: string }>('/v1/admin/test-messages', test)).messageId,
  };
};

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`;
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
};

const sentenceOf = (url: string, status: number, problem: ProblemBody | undefined): string => {
  if (status === 401) return `The API at ${url} does not know this ADMIN_KEY.`;
  if (status === 404) return `The API at ${url} knows nothing of it.`;
  const fields = (problem?.errors ?? []).map(({ field, message }) => `${field} ${message}`);
  const said = fields.length > 0 ? fields.join('; ') : (problem?.detail ?? problem?.title);
  return said === undefined
    ? `The API at ${url} answered ${status}, and not as ours does.`
    : `The API refused (${status}): ${said}`;
};
