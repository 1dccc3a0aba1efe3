import {
  type AttemptFacts,
  explainMessage,
  type MessageFacts,
  type ReportFacts,
  type TimelineFacts,
} from '../src/timeline.ts';

const start = Date.UTC(2026, 10, 18);
export const at = (seconds: number): Date => new Date(start + seconds * 1000);
export const now = at(3600);

export const message = (change: Partial<MessageFacts> = {}): MessageFacts => ({
  status: 'queued',
  reason: null,
  acceptedAt: at(0),
  sentAt: null,
  settledAt: null,
  nextAt: at(0),
  ...change,
});
export const attempt = (change: Partial<AttemptFacts> = {}): AttemptFacts => ({
  number: 1,
  provider: 'smtp',
  startedAt: at(1),
  finishedAt: at(2),
  result: 'accepted',
  code: null,
  reply: '250 2.0.0 OK',
  ...change,
});
export const report = (change: Partial<ReportFacts> = {}): ReportFacts => ({
  type: 'delivered',
  bounce: null,
  reason: null,
  occurredAt: at(9),
  receivedAt: at(10),
  ...change,
});
export const facts = (change: Partial<TimelineFacts> = {}): TimelineFacts => ({
  message: message(),
  attempts: [],
  events: [],
  verification: null,
  ...change,
});
export const link = { createdAt: at(1), expiresAt: at(86_400), consumedAt: null };
export const sent = message({ status: 'sent', sentAt: at(2), settledAt: at(2) });

export const summary = (given: TimelineFacts, when = now): string => explainMessage(given, when).summary;
export const whats = (given: TimelineFacts, when = now): string[] =>
  explainMessage(given, when).entries.map((entry) => entry.what);
