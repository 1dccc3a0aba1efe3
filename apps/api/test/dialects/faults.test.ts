import Fastify, { type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { AppError, type FaultCode } from '@reconfirm/core/app-error';
import { answerError as answerEntryguard } from '../../src/dialects/entryguard/errors.ts';
import { answerError as answerGotrue } from '../../src/dialects/gotrue/errors.ts';
import { answerError as answerSingularity } from '../../src/dialects/singularity/errors.ts';
import { asProblem } from '../../src/error-to-problem.ts';

type Told = readonly [status: number, code: string];
type Contract = 'v1' | 'gotrue' | 'singularity' | 'entryguard';

/** What each contract says of each fault; a fault without an answer in every contract does not compile. */
const answers = {
  database_unavailable: {
    v1: [503, 'SERVICE_UNAVAILABLE'],
    gotrue: [503, 'unexpected_failure'],
    singularity: [500, 'DATABASE_FAILURE'],
    entryguard: [500, 'SERVICE_UNAVAILABLE'],
  },
  outcome_unknown: {
    v1: [503, 'SERVICE_UNAVAILABLE'],
    gotrue: [503, 'unexpected_failure'],
    singularity: [500, 'DATABASE_FAILURE'],
    entryguard: [500, 'SERVICE_UNAVAILABLE'],
  },
  limiter_unavailable: {
    v1: [503, 'SERVICE_UNAVAILABLE'],
    gotrue: [503, 'unexpected_failure'],
    singularity: [500, 'EMAIL_COOLDOWN_CACHE_FAILURE'],
    entryguard: [500, 'SERVICE_UNAVAILABLE'],
  },
  passwords_busy: {
    v1: [503, 'SERVICE_UNAVAILABLE'],
    gotrue: [503, 'unexpected_failure'],
    singularity: [503, 'SERVICE_BUSY'],
    entryguard: [500, 'SERVICE_UNAVAILABLE'],
  },
  examinations_busy: {
    v1: [503, 'SERVICE_UNAVAILABLE'],
    gotrue: [503, 'unexpected_failure'],
    singularity: [503, 'SERVICE_BUSY'],
    entryguard: [500, 'SERVICE_UNAVAILABLE'],
  },
  issuer_unavailable: {
    v1: [503, 'SERVICE_UNAVAILABLE'],
    gotrue: [503, 'unexpected_failure'],
    singularity: [500, 'ACCESS_TOKEN_ALLOWLIST_READING_FAILURE'],
    entryguard: [500, 'SERVICE_UNAVAILABLE'],
  },
  provider_unavailable: {
    v1: [503, 'SERVICE_UNAVAILABLE'],
    gotrue: [503, 'unexpected_failure'],
    singularity: [503, 'SERVICE_BUSY'],
    entryguard: [500, 'SERVICE_UNAVAILABLE'],
  },
  internal: {
    v1: [500, 'INTERNAL_ERROR'],
    gotrue: [500, 'unexpected_failure'],
    singularity: [500, 'INTERNAL_SERVER_ERROR'],
    entryguard: [500, 'INTERNAL_ERROR'],
  },
} as const satisfies Record<FaultCode, Record<Contract, Told>>;

const handlers = { gotrue: answerGotrue, singularity: answerSingularity, entryguard: answerEntryguard };

const inside = 'a sentence about a table and its password';

/** What a contract's error handler answers to something that a route throws. */
const toldBy = async (contract: keyof typeof handlers, thrown: Error) => {
  const app = Fastify();
  app.setErrorHandler((error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
    handlers[contract](error, request, reply),
  );
  app.get('/', async () => {
    throw thrown;
  });
  const answer = await app.inject({ method: 'GET', url: '/' });
  await app.close();
  const body = answer.json<{ code: unknown; error_code?: string }>();
  return { answer, told: [answer.statusCode, body.error_code ?? body.code] };
};

describe.each(Object.keys(answers) as FaultCode[])('the fault %s', (fault) => {
  const thrown = new AppError(fault, inside);

  it.each(Object.keys(handlers) as (keyof typeof handlers)[])(
    'has its status and code in %s, and tells nothing of the inside',
    async (contract) => {
      const { answer, told } = await toldBy(contract, thrown);
      expect(told).toEqual(answers[fault][contract]);
      expect(answer.body).not.toContain(inside);
      if (fault !== 'internal') expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    },
  );

  it('has its status and reason in v1', () => {
    const problem = asProblem(thrown);
    expect([problem.statusCode, problem.reason]).toEqual(answers[fault].v1);
    expect(problem.message).not.toContain(inside);
  });
});

it.each(Object.keys(handlers) as (keyof typeof handlers)[])(
  'what nobody foresaw is a 500 in %s that tells nothing of the inside',
  async (contract) => {
    const { answer, told } = await toldBy(contract, new Error(inside));
    expect(told).toEqual(answers.internal[contract]);
    expect(answer.body).not.toContain(inside);
  },
);
