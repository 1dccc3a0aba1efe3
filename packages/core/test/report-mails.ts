import { readdirSync, readFileSync } from 'node:fs';
import { bounceAddress, bounceTag } from '../src/reports/bounce-address.ts';
import { judgeReport, type ReportContext, type ReportVerdict } from '../src/reports/judge-report.ts';
import { splitMail } from '../src/reports/split-mail.ts';
import { type KeyRing, parseKeyRing } from '../src/token.ts';

export const ring = parseKeyRing(
  `1:${Buffer.alloc(32, 1).toString('base64')},2:${Buffer.alloc(32, 2).toString('base64')}`,
) as KeyRing;
export const domain = 'bounces.example.com';
export const receivedAt = new Date('2026-11-18T00:00:10Z');

/** A message of ours whose mail the reports are about. */
export const ours = '0199a1b2-0000-7000-8000-000000000001';
export const addressOf = (messageId: string): string => bounceAddress(bounceTag(ring, messageId), domain);

const folder = new URL('fixtures/reports/', import.meta.url);

/** Names of the reports, without `.eml`. */
export const reportNames: readonly string[] = readdirSync(folder)
  .map((file) => file.replace(/\.eml$/, ''))
  .toSorted();

/** A report as it comes over the wire, about one message of ours. */
export const reportText = (name: string, messageId: string = ours): string =>
  readFileSync(new URL(`${name}.eml`, folder), 'utf8')
    .replaceAll('{{address}}', addressOf(messageId))
    .replaceAll('{{tag}}', bounceTag(ring, messageId))
    .replaceAll('{{messageId}}', messageId)
    .replaceAll('\n', '\r\n');

export const contextOf = (changes: Partial<ReportContext> = {}): ReportContext => ({
  ring,
  domain,
  recipients: [addressOf(ours)],
  sender: '',
  isFromFeedbackSource: false,
  receivedAt,
  ...changes,
});

export const judge = (text: string, changes: Partial<ReportContext> = {}): ReportVerdict =>
  judgeReport(splitMail(Buffer.from(text)), contextOf(changes));
