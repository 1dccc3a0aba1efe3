import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

export type SimulatedReport = 'delivered' | 'bounced' | 'rejected' | 'complained';

/** Where the reports go, and the key that the receiver knows. */
export type ReportTarget = { url: string; signingKey: string };

/** What differs between the reports, in Mailgun's words ("Event Structure" in its manual). */
const details: Readonly<Record<SimulatedReport, object>> = {
  delivered: {
    event: 'delivered',
    'delivery-status': { code: 250, message: 'OK (simulated)' },
  },
  bounced: {
    event: 'failed',
    severity: 'permanent',
    reason: 'bounce',
    'delivery-status': { code: 550, message: '5.1.1 No such mailbox (simulated)' },
  },
  rejected: { event: 'rejected', reject: { reason: 'The provider carries nothing like this (simulated)' } },
  complained: { event: 'complained' },
};

/** A webhook as Mailgun sends and signs it ("Securing Webhooks"), made anew for each try. */
const bodyOf = (report: SimulatedReport, id: string, messageIdHeader: string, signingKey: string): string => {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const token = randomBytes(25).toString('hex');
  const signature = createHmac('sha256', signingKey).update(`${timestamp}${token}`).digest('hex');
  return JSON.stringify({
    signature: { timestamp, token, signature },
    'event-data': {
      ...details[report],
      id,
      timestamp: Number(timestamp),
      message: { headers: { 'message-id': messageIdHeader } },
    },
  });
};

const TRY_TIMEOUT_MS = 5000;
/** About a minute in all: an API that restarts while somebody works on it is back by then. */
const TRY_AGAIN_MS = [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000];

const post = async (target: ReportTarget, body: string, signal: AbortSignal): Promise<boolean> => {
  try {
    const response = await fetch(target.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TRY_TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    // A refusal stays one; what the API could not take now it takes later.
    return response.status < 500;
  } catch {
    return false;
  }
};

/**
 * Reports to the API what became of a mail, one report after the other, each until it is taken. Ends quietly
 * when `signal` is aborted, when the mail has no Message-ID, or when the API stays away.
 */
export const sendReports = async (
  target: ReportTarget,
  reports: readonly SimulatedReport[],
  raw: Uint8Array,
  signal: AbortSignal,
): Promise<void> => {
  const messageIdHeader = readMessageId(raw);
  if (messageIdHeader === undefined) return;
  for (const report of reports) {
    const id = randomBytes(16).toString('base64url');
    let isTaken = await post(target, bodyOf(report, id, messageIdHeader, target.signingKey), signal);
    for (const waitMs of TRY_AGAIN_MS) {
      if (isTaken || signal.aborted) break;
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
      isTaken = await post(target, bodyOf(report, id, messageIdHeader, target.signingKey), signal);
    }
    if (!isTaken) return;
  }
};

const readMessageId = (raw: Uint8Array): string | undefined => {
  const text = Buffer.from(raw).toString('latin1');
  const head = text.slice(0, Math.max(0, text.indexOf('\r\n\r\n')));
  return /^message-id:\s*<([^<>\s]+)>/im.exec(head)?.[1];
};
