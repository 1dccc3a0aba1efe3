import { type FieldGroup, readFieldGroups } from './status-fields.ts';

/** One part of a mail, with its encoding taken off. */
export interface MailPart {
  /** The media type in small letters. */
  readonly type: string;
  readonly content: Uint8Array;
}

/** A mail as far as a report needs it. */
export interface MailParts {
  readonly headers: FieldGroup;
  /** The parts directly below a multipart; none for any other mail. */
  readonly parts: readonly MailPart[];
}

/** RFC 6522 has three. */
const partsMax = 10;
const boundaryCharsMax = 70;

/**
 * Splits a mail into its headers and the parts of its multipart (RFC 2046, 5.1). Only one level: the parts
 * of a report stand directly below it (RFC 6522, 3), and the mail that it returns is not looked into. Takes
 * any bytes and never throws, in a time that grows with their number and nothing else: a general parser
 * (postal-mime 4.0) takes up to 0.8 s of a worker for 64 KiB of line breaks.
 */
export const splitMail = (raw: Uint8Array): MailParts => {
  // One character a byte, so that positions in the text are positions in the bytes.
  const text = bufferOf(raw).toString('latin1');
  const { headers, bodyAt } = splitHeaders(raw, text);
  const boundary = boundaryOf(headers.get('content-type') ?? '');
  if (boundary === undefined) return { headers, parts: [] };
  const parts = spansBetween(text, bodyAt, boundary).map(([from, to]) =>
    readPart(raw.subarray(from, to), text.slice(from, to)),
  );
  return { headers, parts };
};

/** The headers of a mail alone. */
export const readMailHeaders = (raw: Uint8Array): FieldGroup =>
  splitHeaders(raw, bufferOf(raw).toString('latin1')).headers;

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const splitHeaders = (
  raw: Uint8Array,
  text: string,
): { readonly headers: FieldGroup; readonly bodyAt: number } => {
  const noHeaders = /^\r?\n/.exec(text);
  if (noHeaders !== null) return { headers: new Map(), bodyAt: noHeaders[0].length };
  const end = /\n\r?\n/.exec(text);
  const bodyAt = end === null ? text.length : end.index + end[0].length;
  const [headers = new Map()] = readFieldGroups(raw.subarray(0, bodyAt));
  return { headers, bodyAt };
};

const boundaryOf = (contentType: string): string | undefined => {
  if (!/^\s*multipart\//i.test(contentType)) return undefined;
  const [, quoted, bare] = /;\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i.exec(contentType) ?? [];
  const boundary = quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '';
  return boundary === '' || boundary.length > boundaryCharsMax ? undefined : boundary;
};

/** Where the parts stand: from one delimiter line to the line break before the next. */
const spansBetween = (
  text: string,
  bodyAt: number,
  boundary: string,
): readonly (readonly [number, number])[] => {
  const delimiter = `--${boundary}`;
  const spans: (readonly [number, number])[] = [];
  let partAt: number | undefined;
  let at = text.indexOf(delimiter, bodyAt);
  for (; at >= 0 && spans.length < partsMax; at = text.indexOf(delimiter, at + 1)) {
    if (at > bodyAt && text[at - 1] !== '\n') continue;
    const rest = /(--)?[ \t]*(?:\r?\n|$)/y;
    rest.lastIndex = at + delimiter.length;
    const line = rest.exec(text);
    if (line === null) continue;
    // The line break before a delimiter belongs to it.
    if (partAt !== undefined) spans.push([partAt, Math.max(partAt, text[at - 2] === '\r' ? at - 2 : at - 1)]);
    partAt = rest.lastIndex;
    if (line[1] !== undefined) return spans;
  }
  // Cut off on the way: what is there counts to the end.
  if (partAt !== undefined && spans.length < partsMax) spans.push([partAt, text.length]);
  return spans;
};

const readPart = (raw: Uint8Array, text: string): MailPart => {
  const { headers, bodyAt } = splitHeaders(raw, text);
  const type = /^\s*([^\s;]+)/.exec(headers.get('content-type') ?? '')?.[1]?.toLowerCase() ?? 'text/plain';
  const encoding = (headers.get('content-transfer-encoding') ?? '').trim().toLowerCase();
  if (encoding === 'base64') return { type, content: Buffer.from(text.slice(bodyAt), 'base64') };
  if (encoding === 'quoted-printable')
    return { type, content: Buffer.from(decodeQuotedPrintable(text.slice(bodyAt)), 'latin1') };
  return { type, content: raw.subarray(bodyAt) };
};

/** RFC 2045, 6.7: one character a byte, before and after. */
const decodeQuotedPrintable = (text: string): string =>
  text
    .replace(/=[ \t]{0,76}\r?\n/g, '')
    .replace(/=([0-9A-Fa-f]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
