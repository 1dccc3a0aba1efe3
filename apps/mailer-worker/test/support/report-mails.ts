import { bounceAddress, bounceTag } from '@reconfirm/core/reports/bounce-address';
import { createTransport } from 'nodemailer';
import { firstKeyRing } from './scene.ts';

export const bounceDomain = 'bounces.example.com';

/** Settings of a worker that takes bounces. */
export const bounceSettings = { BOUNCE_DOMAIN: bounceDomain, BOUNCE_LISTEN: '127.0.0.1:0' };

/** The address that the bounces of a message come back to, as a worker of a scene makes it. */
export const bounceAddressOf = (messageId: string): string =>
  bounceAddress(bounceTag(firstKeyRing, messageId), bounceDomain);

/** The same with another proof. */
export const forgedAddressOf = (messageId: string): string =>
  bounceAddressOf(messageId).replace(/[^.]{16}@/, 'aaaaaaaaaaaaaaaa@');

export interface ReportText {
  readonly to: string;
  readonly action?: string;
  readonly status?: string;
  readonly diagnostic?: string;
  /** Of the report itself. */
  readonly messageId?: string;
  /** The message of ours that it names in the headers it returns. */
  readonly about?: string;
}

const lines = (...parts: readonly string[]): string => parts.join('\r\n');
const returned = (about: string | undefined): string =>
  lines('From: no-reply@mail.example.com', `Message-ID: <${about ?? 'unknown'}@mail.example.com>`);

/** A delivery status as Postfix writes it. */
export const deliveryStatus = (text: ReportText): string =>
  lines(
    'From: MAILER-DAEMON@mx.example.org',
    `To: ${text.to}`,
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    `Message-ID: <${text.messageId ?? 'report.1@mx.example.org'}>`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    '',
    '--b',
    '',
    'I am sorry.',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.org',
    '',
    'Final-Recipient: rfc822; reader@example.org',
    `Action: ${text.action ?? 'failed'}`,
    `Status: ${text.status ?? '5.1.1'}`,
    `Diagnostic-Code: smtp; ${text.diagnostic ?? '550 5.1.1 <reader@example.org>: reader is unknown'}`,
    '--b',
    'Content-Type: text/rfc822-headers',
    '',
    returned(text.about),
    '--b--',
    '',
  );

/** A complaint as a feedback loop writes it. */
export const complaint = (text: ReportText): string =>
  lines(
    'From: feedback@fbl.example.net',
    `To: ${text.to}`,
    'Subject: complaint',
    `Message-ID: <${text.messageId ?? 'complaint.1@fbl.example.net'}>`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
    '',
    '--b',
    '',
    'An abuse report.',
    '--b',
    'Content-Type: message/feedback-report',
    '',
    'Feedback-Type: abuse',
    'User-Agent: Feedback/1.0',
    'Version: 1',
    '--b',
    'Content-Type: message/rfc822',
    '',
    returned(text.about),
    '--b--',
    '',
  );

export interface Brought {
  readonly from?: string;
  readonly to: string | readonly string[];
  readonly raw: string;
}

/** Brings a mail as another server would, over a connection of its own; resolves with the reply, good or bad. */
export const bring = async (port: number | undefined, { from = '', to, raw }: Brought): Promise<string> => {
  const transport = createTransport({
    host: '127.0.0.1',
    port: port ?? 0,
    tls: { rejectUnauthorized: false },
    name: 'mx.example.org',
  });
  try {
    const { response } = await transport.sendMail({ envelope: { from, to: [to].flat() }, raw });
    return response;
  } catch (error) {
    if (error instanceof Error && 'response' in error) return String(error.response);
    throw error;
  } finally {
    transport.close();
  }
};
