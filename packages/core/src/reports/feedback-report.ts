import { readFieldGroups, withoutComments } from './status-fields.ts';
import type { Meaning } from './status-meaning.ts';

/** A `message/feedback-report` (RFC 5965, 3). */
export interface FeedbackReport {
  /** In small letters; `abuse`, `fraud`, `virus`, `other`, `not-spam`, or another registered one. */
  readonly feedbackType: string;
  readonly originalMailFrom: string | undefined;
  readonly envelopeId: string | undefined;
}

/**
 * Reads the machine's part of a complaint; undefined when one of the three fields is missing that
 * RFC 5965, 3.1 requires. Takes any bytes and never throws.
 */
export const readFeedbackReport = (content: Uint8Array): FeedbackReport | undefined => {
  const [fields] = readFieldGroups(content);
  const field = (name: string): string | undefined => fields?.get(name.toLowerCase());
  const word = (name: string): string => withoutComments(field(name) ?? '');
  const feedbackType = /^[a-z][a-z0-9-]{0,39}$/i.exec(word('Feedback-Type'))?.[0].toLowerCase();
  const isComplete = word('User-Agent') !== '' && /^\d/.test(word('Version'));
  if (feedbackType === undefined || !isComplete) return undefined;
  return {
    feedbackType,
    originalMailFrom: field('Original-Mail-From'),
    envelopeId: field('Original-Envelope-Id'),
  };
};

/**
 * Types by which a person complained. `virus` and `auth-failure` (RFC 6591) are a machine's findings,
 * `not-spam` takes a complaint back that was never made to us.
 */
const complaints: ReadonlySet<string> = new Set(['abuse', 'fraud', 'other', 'opt-out']);

/** What a complaint means; undefined when it is none. */
export const meaningOfFeedback = ({
  feedbackType,
}: Pick<FeedbackReport, 'feedbackType'>): Meaning | undefined =>
  complaints.has(feedbackType) ? { type: 'complained' } : undefined;
