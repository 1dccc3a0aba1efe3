import type { Copy } from './read-copy.ts';

/**
 * `pending` never clicks, so that the newest link must work at the end. `person` clicks. `bouncing` is reported as
 * bounced by the provider. `unknown` never registered.
 */
export type SubjectKind = 'pending' | 'person' | 'bouncing' | 'unknown';

/** One address, what it was told, and what it got. */
export interface Subject {
  readonly address: string;
  readonly kind: SubjectKind;
  isRegistered: boolean;
  /** Requests without an answer yet. */
  asking: number;
  /** Requests that were accepted. */
  accepted: number;
  /** When the newest of them was answered. */
  acceptedAt: number;
  isVerified: boolean;
  readonly copies: Copy[];
}

export const createSubject = (address: string, kind: SubjectKind): Subject => ({
  address,
  kind,
  isRegistered: false,
  asking: 0,
  accepted: 0,
  acceptedAt: 0,
  isVerified: false,
  copies: [],
});
