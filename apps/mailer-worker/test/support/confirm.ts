import { purposeNames } from '@reconfirm/core/purposes/registry';
import type { Database } from '@reconfirm/db/database';
import { type Confirmation, confirmToken } from '@reconfirm/db/verifications';

/** Follows a link and presses its button, whatever the purpose. */
export const confirm = (db: Database, tokenHash: Uint8Array): Promise<Confirmation> =>
  confirmToken(db, { by: 'link', tokenHash }, purposeNames);
