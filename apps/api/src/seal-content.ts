import type { ApiConfig } from '@reconfirm/core/config/config';
import type { Destination } from '@reconfirm/core/destination';
import { seal, sealNonceSizeBytes } from '@reconfirm/core/sealed';
import { type SealedContent, writeSealedContent } from '@reconfirm/core/sealed-content';
import { Secret } from '@reconfirm/core/secret';
import { drawRandom } from '@reconfirm/process/random-pool';

/** What is kept with a message for somebody without an account, sealed and bound to the message. */
export type Seal = (
  request: {
    readonly organizationId: string;
    readonly destination: Destination;
    readonly content?: SealedContent;
  },
  messageId: string,
) => Uint8Array | null;

/**
 * Seals what another system made; else the address of every request, whoever it belongs to, where the
 * organization sends notices to strangers, and nowhere else. By mail only: an SMS to a stranger costs
 * money and trust.
 */
export const createSeal =
  (configOf: (organizationId: string) => ApiConfig): Seal =>
  ({ organizationId, destination, content }, messageId) => {
    const config = configOf(organizationId);
    const tellsStrangers = config.NOTICE_UNKNOWN_ACCOUNT === 'on' && destination.channel === 'email';
    const kept: SealedContent | null =
      content ?? (tellsStrangers ? { kind: 'stranger', to: destination.address } : null);
    if (kept === null) return null;
    const text = new Secret(writeSealedContent(kept));
    return seal(config.TOKEN_KEYS, text, messageId, drawRandom(sealNonceSizeBytes));
  };
