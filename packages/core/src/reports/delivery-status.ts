import { type FieldGroup, readFieldGroups, withoutComments } from './status-fields.ts';
import { localPartsOf } from './typed-address.ts';

export const actions = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const;

/** What the server did with a recipient (RFC 3464, 2.3.3). */
export type Action = (typeof actions)[number];

/** What a server says of one recipient. */
export interface RecipientStatus {
  readonly action: Action;
  /** RFC 3463, as `5.1.1`; undefined where the server gave none. */
  readonly status: string | undefined;
  /** The other server's words, as they came. */
  readonly diagnostic: string;
  /** Local parts of the recipient, which the words may repeat. */
  readonly localParts: readonly string[];
}

/** A `message/delivery-status` (RFC 3464, 2.1) or `message/global-delivery-status` (RFC 6533, 4). */
export interface DeliveryStatus {
  /** ENVID, as we gave it with MAIL FROM. */
  readonly envelopeId: string | undefined;
  readonly recipients: readonly RecipientStatus[];
}

const statusPattern = /^([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])/;
/** The code that follows an SMTP reply's: `550 5.1.1 …`, `550-5.1.1 …`, `550 #5.1.1 …` (RFC 2034, 4). */
const statusInReply = /(?:^|[^\d.])[245]\d\d[ -]{1,3}#?([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])/;

const normal = (match: RegExpExecArray | null): string | undefined =>
  match === null ? undefined : [match[1], Number(match[2]), Number(match[3])].join('.');

/**
 * The status of a recipient. Some servers (Exim, older sendmail) say `5.0.0` whatever happened and repeat
 * the other server's reply: then its code, of the same class, tells more.
 */
const statusOf = (group: FieldGroup, diagnostic: string): string | undefined => {
  const status = normal(statusPattern.exec(withoutComments(group.get('status') ?? '')));
  if (status !== undefined && !/^\d\.0\.0$/.test(status)) return status;
  const replied = normal(statusInReply.exec(diagnostic));
  if (replied === undefined) return status;
  return status === undefined || status[0] === replied[0] ? replied : status;
};

const recipientOf = (group: FieldGroup): RecipientStatus | undefined => {
  const word = /^[a-z]+/i.exec(withoutComments(group.get('action') ?? ''))?.[0].toLowerCase();
  const action = actions.find((name) => name === word);
  if (action === undefined) return undefined;
  const diagnostic = (group.get('diagnostic-code') ?? '').replace(/^[a-z0-9.-]{1,30}[ \t]*;[ \t]*/i, '');
  return {
    action,
    status: statusOf(group, diagnostic),
    diagnostic,
    localParts: ['original-recipient', 'final-recipient'].flatMap((name) =>
      localPartsOf(group.get(name) ?? ''),
    ),
  };
};

/**
 * Reads the machine's part of a report. Groups without an action that RFC 3464 knows say nothing and
 * are left out. Takes any bytes and never throws.
 */
export const readDeliveryStatus = (content: Uint8Array): DeliveryStatus => {
  const groups = readFieldGroups(content);
  return {
    envelopeId: groups[0]?.get('original-envelope-id'),
    recipients: groups.map(recipientOf).filter((recipient) => recipient !== undefined),
  };
};
