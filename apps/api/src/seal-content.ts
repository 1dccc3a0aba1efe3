import type { ApiConfig } from '@reconfirm/core/config/config';
import type { Destination } from '@reconfirm/core/destination';
import { seal, sealNonceSizeBytes } from '@reconfirm/core/sealed';
import { type SealedContent, writeSealedContent } from '@reconfirm/core/sealed-content';
import { Secret } from '@reconfirm/core/secret';
import type { KeyRing } from '@reconfirm/core/token';
import { drawRandom } from './random-pool.ts';

/** Seals what a message to somebody without an account needs, bound to the message. */
export const sealContent = (ring: KeyRing, content: SealedContent, messageId: string): Buffer =>
  seal(ring, new Secret(writeSealedContent(content)), messageId, drawRandom(sealNonceSizeBytes));

export type SealAddress = (
  organizationId: string,
  destination: Destination,
  messageId: string,
) => Uint8Array | null;

/**
 * Keeps the address of every request, whoever it belongs to, where the organization sends notices to
 * strangers; nowhere else. By mail only: an SMS to a stranger costs money and trust.
 */
export const addressSealer =
  (configOf: (organizationId: string) => ApiConfig): SealAddress =>
  (organizationId, destination, messageId) => {
    const config = configOf(organizationId);
    if (config.NOTICE_UNKNOWN_ACCOUNT === 'off' || destination.channel !== 'email') return null;
    return sealContent(config.TOKEN_KEYS, { kind: 'stranger', to: destination.address }, messageId);
  };
