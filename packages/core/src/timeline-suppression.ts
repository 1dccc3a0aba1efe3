import type { Channel } from './destination.ts';
import { isInForce, type Suppression, suppressionReasons } from './suppression.ts';
import { nextStepsNotSent } from './timeline-words.ts';

/** What is on record of the address that a message was for. */
export interface SuppressionFacts extends Omit<Suppression, 'times' | 'complaints' | 'liftedBy'> {
  /** By which the operator's routes know it. */
  readonly id: string;
  /** The server's or the provider's word for it. */
  readonly detail: string | null;
  /** Whether it began with what became of this very message. */
  readonly isOfThisMessage: boolean;
}

/** The message and its address. */
export interface SuppressedFacts {
  readonly message: { readonly channel?: Channel; readonly reason: string | null };
  /** Null, or left out, when the address was never suppressed. */
  readonly suppression?: SuppressionFacts | null;
}

const placeOf = ({ message }: SuppressedFacts): string => (message.channel === 'sms' ? 'number' : 'address');

/** When it began and ended, for the message that it began with and for those that it kept back. */
export const suppressionLines = (
  facts: SuppressedFacts,
): readonly { readonly at: Date; readonly what: string; readonly detail: string | null }[] => {
  const { message, suppression } = facts;
  if (!suppression) return [];
  const { reason, suppressedAt, expiresAt, liftedAt, detail, isOfThisMessage } = suppression;
  if (!isOfThisMessage && message.reason !== 'suppressed') return [];
  const until = expiresAt === null ? 'until it is lifted' : `until ${expiresAt.toISOString()}`;
  const began = `From here on nothing is sent to the ${placeOf(facts)}, ${until}, because ${suppressionReasons[reason]}.`;
  return [
    { at: suppressedAt, what: began, detail },
    ...(liftedAt === null
      ? []
      : [{ at: liftedAt, what: `The ${placeOf(facts)} was taken off the list again.`, detail: null }]),
  ];
};

/** What an operator has to know before the person is told to ask again; empty where nothing is in force. */
export const suppressionStep = (facts: SuppressedFacts, now: Date): string => {
  const { suppression } = facts;
  if (!suppression || !isInForce(suppression, now)) return '';
  const until = suppression.expiresAt === null ? '' : ` before ${suppression.expiresAt.toISOString()}`;
  return ` Nothing is sent to the ${placeOf(facts)}${until} unless it is lifted: DELETE /v1/admin/suppressions/${suppression.id}.`;
};

/** Of a message that its address kept from being sent: what to do depends on whether it still would. */
export const suppressedStep = (facts: SuppressedFacts, now: Date): string => {
  const { suppression } = facts;
  if (!suppression) return nextStepsNotSent.suppressed;
  const cause = `It was because ${suppressionReasons[suppression.reason]}.`;
  return isInForce(suppression, now)
    ? `${cause}${suppressionStep(facts, now)} Do that once the ${placeOf(facts)} works or its owner agrees, then let the person ask again.`
    : `${cause} That is over by now: let the person ask again.`;
};
