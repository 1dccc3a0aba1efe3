import { randomBytes } from 'node:crypto';
import { uuidV7 } from '@reconfirm/core/message-id';
import { webhookSecretOf } from '@reconfirm/core/outgoing/signature';
import { seal } from '@reconfirm/core/sealed';
import type { Secret } from '@reconfirm/core/secret';
import type { KeyRing } from '@reconfirm/core/token';
import { verifyAccountByAdmin } from '@reconfirm/db/accounts';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { type DeliveryLogEntry, listDeliveries } from '@reconfirm/db/webhook-deliveries';
import { createWebhookEndpoint, rotateWebhookSecret } from '@reconfirm/db/webhook-endpoints';
import { eventually } from './eventually.ts';
import { register } from './requests.ts';
import { firstKeyRing, type Scene } from './scene.ts';

export interface TestEndpoint {
  readonly id: string;
  readonly secret: Secret;
}

const sealFor = (id: string, secret: Secret, keys: KeyRing): Buffer =>
  seal(keys, secret, id, randomBytes(12));

/** An endpoint as the API makes it, at any URL. */
export const createEndpoint = async (
  scene: Scene,
  url: string,
  eventTypes: readonly string[] = [],
): Promise<TestEndpoint> => {
  const id = uuidV7(Date.now(), randomBytes(10));
  const secret = webhookSecretOf(randomBytes(32));
  await createWebhookEndpoint(scene.db, {
    id,
    organizationId: defaultOrganizationId,
    url,
    eventTypes,
    secretSealed: sealFor(id, secret, firstKeyRing),
  });
  return { id, secret };
};

/** Gives an endpoint a new secret; the one before signs too for a while. */
export const rotate = async (scene: Scene, { id }: TestEndpoint): Promise<Secret> => {
  const secret = webhookSecretOf(randomBytes(32));
  const sealed = sealFor(id, secret, firstKeyRing);
  await rotateWebhookSecret(scene.db, defaultOrganizationId, id, { sealed, overlapSeconds: 3600 });
  return secret;
};

let people = 0;

/** Makes something happen that the host is told of; resolves with the account's id and address. */
export const verifySomebody = async (
  scene: Scene,
): Promise<{ readonly accountId: string; readonly email: string }> => {
  people += 1;
  const email = `verified-${people}@example.org`;
  const { accountId } = await register(scene.db, email);
  await verifyAccountByAdmin(scene.db, accountId);
  return { accountId, email };
};

export const logOf = (scene: Scene, { id }: TestEndpoint): Promise<readonly DeliveryLogEntry[]> =>
  listDeliveries(scene.db, { endpointId: id, limit: 1000 });

/** Waits until the newest delivery of an endpoint is as wanted. */
export const untilDelivery = (
  scene: Scene,
  endpoint: TestEndpoint,
  wanted: (delivery: DeliveryLogEntry) => boolean,
  timeoutMs?: number,
): Promise<DeliveryLogEntry> =>
  eventually(
    'the newest delivery is as wanted',
    async () => {
      const [newest] = await logOf(scene, endpoint);
      return newest !== undefined && wanted(newest) ? newest : undefined;
    },
    timeoutMs,
  );

/** As if the wait for the next attempt were over. */
export const skipEventWaits = async (scene: Scene): Promise<void> => {
  await scene.db
    .updateTable('webhook_deliveries')
    .set({ next_at: new Date(Date.now() - 1000) })
    .where('status', '=', 'pending')
    .execute();
};
