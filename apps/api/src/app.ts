import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Type } from 'typebox';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { addressRanges } from '@reconfirm/core/client-address';
import { createWaitBudget, withWaitBudget } from '@reconfirm/db/wait-budget';
import type { Logger } from '@reconfirm/process/logger';
import { type ClientAddressOptions, readSignedClientAddresses } from './client-address.ts';
import { type ContractDocument, documentation } from './documentation.ts';
import type { ApiMetrics } from './metrics.ts';
import { asProblem } from './error-to-problem.ts';
import { ProblemError, toProblem } from './problem.ts';
import { toldPath } from './told-path.ts';

export interface AppOptions {
  readonly log: Logger;
  readonly metrics: ApiMetrics;
  readonly trustedProxies: readonly string[];
  readonly clientAddresses: ClientAddressOptions;
  readonly errorCodes: 'documented' | 'specific';
  readonly publicUrl: string;
  readonly brand: string;
  /** DATABASE_TIMEOUT_MS: what a request may wait for Postgres, in all. */
  readonly databaseTimeoutMs: number;
  /** Of the contracts that are on and have one of their own. */
  readonly documents: readonly ContractDocument[];
  /** What keeps the process from serving: sentences for /readyz. */
  readonly findProblems: () => Promise<readonly string[]>;
  /** Dialects, webhooks, pages: each in a scope of its own. */
  readonly plugins: readonly FastifyPluginAsync[];
}

/** Of the package: what /health and the documents say. */
export const version = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/** The largest body of any route but webhooks; an address and a URL fit many times over. */
const bodySizeBytesMax = 16 * 1024;

/**
 * Of every answer that says nothing else for itself: what is answered is about a person or a moment, so nobody
 * keeps it (ASVS 5.0, 14.3.2), and no browser takes it for another type than it has (3.4.4).
 */
const answerHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** Builds the server without listening. Everything a request can meet on its way is set here. */
export const buildApp = async (options: AppOptions): Promise<FastifyInstance> => {
  const isTrusted = addressRanges(options.trustedProxies);
  const logger: FastifyBaseLogger = options.log;
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: options.trustedProxies.length > 0 ? (address) => isTrusted(address) : false,
    bodyLimit: bodySizeBytesMax,
    requestTimeout: 10_000,
    keepAliveTimeout: 72_000,
    genReqId: () => randomUUID(),
    // For paths that the router cannot read; its own answer would repeat them.
    frameworkErrors: (error, request, reply) =>
      void answerProblem(options)(error, request as FastifyRequest, reply as FastifyReply),
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: true } },
  });

  // A text/plain body needs no preflight, so a foreign page could post JSON through it (ASVS 5.0, 3.5.2).
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler<FastifyError>(answerProblem(options));
  app.setNotFoundHandler(() => {
    throw new ProblemError('NOT_FOUND');
  });
  // Before all that can answer, a refusal by a header among it.
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(answerHeaders);
    done();
  });
  readSignedClientAddresses(app, options.clientAddresses);
  observe(app, options, isTrusted);
  hangUpWhenClosing(app);
  boundWaits(app, options.databaseTimeoutMs);
  await app.register(documentation({ ...options, version }));
  for (const plugin of options.plugins) await app.register(plugin);
  operations(app, options);
  return app;
};

/** Every answer that is not a success is made here, and none carries a stack or a cause. */
const answerProblem =
  (options: AppOptions) =>
  (error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const problem = asProblem(error);
    if (problem.statusCode >= 500) request.log.error({ err: error }, 'request.failed');
    return reply
      .code(problem.statusCode)
      .serializer(JSON.stringify)
      .headers({
        ...answerHeaders,
        ...problem.headers,
        'content-type': 'application/problem+json; charset=utf-8',
      })
      .send(
        toProblem(problem, {
          spelling: options.errorCodes,
          path: toldPath(request.url),
          requestId: request.id,
          docsUrl: new URL('/docs/errors', options.publicUrl).href,
        }),
      );
  };

const observe = (
  app: FastifyInstance,
  { metrics, log, trustedProxies }: AppOptions,
  isTrusted: (address: string) => boolean,
): void => {
  let warned = false;
  // Hooks that every request passes are plain callbacks: a promise each would cost more than their work.
  app.addHook('onRequest', (request, _reply, done) => {
    done();
    if (request.headers['x-forwarded-for'] === undefined || isTrusted(request.socket.remoteAddress ?? ''))
      return;
    metrics.untrustedForwardedHeader();
    if (warned) return;
    warned = true;
    log.warn(
      { trustedProxies },
      'proxy.not_trusted: X-Forwarded-For came from a peer outside TRUSTED_PROXIES and is ignored; everybody behind it shares one bucket',
    );
  });
  app.addHook('onResponse', (request, reply, done) => {
    metrics.requestDone(
      request.routeOptions.url ?? 'none',
      request.method,
      reply.statusCode,
      reply.elapsedTime / 1000,
    );
    done();
  });
};

/**
 * Each request is given its time here, once its body is there: one deadline for all that its handler waits for,
 * instead of one for each wait. Nothing before this asks a store.
 */
const boundWaits = (app: FastifyInstance, databaseTimeoutMs: number): void => {
  app.addHook('preValidation', (_request, _reply, done) =>
    withWaitBudget(createWaitBudget(databaseTimeoutMs), done),
  );
};

/** Without it a kept-alive connection holds up closing for as long as its time-out (72 s). */
const hangUpWhenClosing = (app: FastifyInstance): void => {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
};

const operations = (app: FastifyInstance, options: AppOptions): void => {
  const hidden = { schema: { hide: true } };
  app.get('/livez', hidden, async () => ({ status: 'ok' }));
  app.get('/readyz', hidden, async (_request, reply) => {
    const problems = await options.findProblems();
    return reply
      .code(problems.length === 0 ? 200 : 503)
      .send({ status: problems.length === 0 ? 'ok' : 'not ok', problems });
  });
  app.get('/metrics', hidden, async (_request, reply) =>
    reply.type(options.metrics.registry.contentType).send(await options.metrics.registry.metrics()),
  );
  app.get(
    '/health',
    {
      schema: {
        summary: 'Is the process up?',
        tags: ['Operations'],
        response: {
          200: Type.Object({ status: Type.String(), uptime: Type.Number(), version: Type.String() }),
        },
      },
    },
    async () => ({ status: 'ok', uptime: process.uptime(), version }),
  );
};
