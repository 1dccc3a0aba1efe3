import { expect, test } from 'vitest';
import { isComplaint } from '../src/service-process.ts';

test.each([
  ['{"level":30,"time":"2026-11-26T00:00:00.000Z","msg":"worker.started"}', false],
  ['{"level":20,"msg":"level\\":50"}', false],
  ['{"level":40,"msg":"queue.error"}', true],
  ['{"level":50,"msg":"request.failed"}', true],
  ['Error: read ECONNRESET', true],
  ['    at TCP.onStreamRead (node:internal/stream_base_commons:216:20)', true],
])('the line %s is a complaint: %s', (line, is) => expect(isComplaint(line)).toBe(is));
