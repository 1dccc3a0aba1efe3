import { Type } from 'typebox';
import { checkNames } from '@reconfirm/core/doctor/finding';
import { Id, Instant, nullable } from '../dialects/v1/schemas.ts';

const closed = { additionalProperties: false } as const;
const Severity = Type.Enum(['ok', 'warning', 'error', 'unknown'], {
  description:
    'error: mail is lost, refused or forged today. warning: it works, but less well than it should. unknown: it could not be found out',
});

export const DoctorQuery = Type.Object(
  {
    organizationId: Type.Optional(
      Type.String({ ...Id, description: 'Left out: the sender of the installation' }),
    ),
  },
  closed,
);

const Finding = Type.Object({
  check: Type.Enum([...checkNames], { description: 'What was looked at' }),
  severity: Severity,
  what: Type.String({ description: 'What is so, in a sentence' }),
  why: Type.Optional(Type.String({ description: 'Why it matters; missing for ok' })),
  doThis: Type.Optional(Type.String({ description: 'What to do; missing for ok' })),
  record: Type.Optional(
    Type.Object(
      {
        type: Type.Enum(['TXT', 'MX', 'CNAME']),
        name: Type.String(),
        value: Type.String(),
      },
      { description: 'The record to publish in the DNS' },
    ),
  ),
});

export const DoctorAnswer = Type.Object({
  ok: Type.Literal(true),
  domain: nullable(Type.String({ description: 'Of From; null where the API has no MAIL_FROM' })),
  at: Instant,
  verdict: Severity,
  findings: Type.Array(Finding),
});
