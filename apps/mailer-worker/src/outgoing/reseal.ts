import { seal, sealNonceSizeBytes, unseal } from '@reconfirm/core/sealed';
import type { KeyRing } from '@reconfirm/core/token';
import type { Database } from '@reconfirm/db/database';
import { listSecretsOfOlderKeys, replaceSealedSecrets } from '@reconfirm/db/webhook-endpoints';
import { randomBytes } from 'node:crypto';

/**
 * Seals what an older key of the ring opens under the newest one, so that the older key can be dropped.
 * Returns how many endpoints were changed. Throws when the ring lacks a key that is still needed.
 */
export const resealSecrets = async (db: Database, keys: KeyRing): Promise<number> => {
  const older = await listSecretsOfOlderKeys(db, keys.newestVersion);
  for (const endpoint of older) {
    const again = (sealed: Buffer): Buffer =>
      seal(keys, unseal(keys, sealed, endpoint.id), endpoint.id, randomBytes(sealNonceSizeBytes));
    await replaceSealedSecrets(db, endpoint, {
      sealed: again(endpoint.sealed),
      previousSealed: endpoint.previousSealed === null ? null : again(endpoint.previousSealed),
    });
  }
  return older.length;
};
