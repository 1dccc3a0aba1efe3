import { randomBytes } from 'node:crypto';
import { uuidV7 } from '@reconfirm/core/message-id';
import { webhookSecretOf, webhookSecretSizeBytes } from '@reconfirm/core/outgoing/signature';
import {
  type EndpointRefusal,
  type EndpointRules,
  hostOf,
  judgeEndpointUrl,
  mayConnectTo,
} from '@reconfirm/core/public-address';
import { seal, sealNonceSizeBytes } from '@reconfirm/core/sealed';
import type { Secret } from '@reconfirm/core/secret';
import type { KeyRing } from '@reconfirm/core/token';
import type { Database } from '@reconfirm/db/database';
import {
  changeWebhookEndpoint,
  createWebhookEndpoint,
  rotateWebhookSecret,
  type WebhookEndpoint,
  type WebhookEndpointChanges,
} from '@reconfirm/db/webhook-endpoints';
import { type Resolve, resolveAllowed } from '@reconfirm/process/resolve-allowed';

export interface EndpointsOptions {
  readonly db: Database;
  readonly keys: KeyRing;
  readonly rules: EndpointRules;
  readonly organizationId: string;
  readonly resolve?: Resolve;
}

/** Why a URL is not taken; the last two are found out by resolving its host. */
export type UrlRefusal = EndpointRefusal | 'unresolvable';

type WithSecret = { readonly kind: 'done'; readonly endpoint: WebhookEndpoint; readonly secret: Secret };
type Refused = { readonly kind: 'url_refused'; readonly reason: UrlRefusal };
type Unknown = { readonly kind: 'unknown' };

export interface Endpoints {
  create(url: string, eventTypes: readonly string[]): Promise<WithSecret | Refused>;
  change(
    id: string,
    changes: WebhookEndpointChanges,
  ): Promise<{ readonly kind: 'done'; readonly endpoint: WebhookEndpoint } | Refused | Unknown>;
  rotate(id: string, overlapSeconds: number): Promise<WithSecret | Unknown>;
}

/** What an operator does with endpoints. A secret leaves in the answer of the call that made it, and never again. */
export const createEndpoints = ({
  db,
  keys,
  rules,
  organizationId,
  resolve,
}: EndpointsOptions): Endpoints => {
  const judge = async (raw: string): Promise<{ readonly url: string } | Refused> => {
    const decision = judgeEndpointUrl(raw, rules);
    if (!decision.allowed) return { kind: 'url_refused', reason: decision.reason };
    const host = hostOf(new URL(decision.url));
    const resolution = await resolveAllowed(host, (address) => mayConnectTo(address, rules), resolve);
    switch (resolution.kind) {
      case 'resolved':
        return { url: decision.url };
      case 'not_allowed':
        return { kind: 'url_refused', reason: 'address' };
      case 'unresolvable':
        return { kind: 'url_refused', reason: 'unresolvable' };
    }
  };

  const makeSecret = (endpointId: string): { readonly secret: Secret; readonly sealed: Buffer } => {
    const secret = webhookSecretOf(randomBytes(webhookSecretSizeBytes));
    return { secret, sealed: seal(keys, secret, endpointId, randomBytes(sealNonceSizeBytes)) };
  };

  return {
    create: async (raw, eventTypes) => {
      const judged = await judge(raw);
      if ('kind' in judged) return judged;
      const id = uuidV7(Date.now(), randomBytes(10));
      const { secret, sealed } = makeSecret(id);
      const made = { id, organizationId, url: judged.url, eventTypes, secretSealed: sealed };
      return { kind: 'done', endpoint: await createWebhookEndpoint(db, made), secret };
    },
    change: async (id, changes) => {
      const judged = changes.url === undefined ? undefined : await judge(changes.url);
      if (judged !== undefined && 'kind' in judged) return judged;
      const endpoint = await changeWebhookEndpoint(db, organizationId, id, { ...changes, url: judged?.url });
      return endpoint === undefined ? { kind: 'unknown' } : { kind: 'done', endpoint };
    },
    rotate: async (id, overlapSeconds) => {
      const { secret, sealed } = makeSecret(id);
      const endpoint = await rotateWebhookSecret(db, organizationId, id, { sealed, overlapSeconds });
      return endpoint === undefined ? { kind: 'unknown' } : { kind: 'done', endpoint, secret };
    },
  };
};
