// The yardstick: Fastify with the resend's own schemas and its own answer, and nothing between them.
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify from 'fastify';
import { resendMessage } from '../src/dialects/v1/answers.ts';
import { ResendAnswer, ResendBody, ResendHeaders } from '../src/dialects/v1/schemas.ts';

const app = fastify({
  ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: false } },
}).withTypeProvider<TypeBoxTypeProvider>();

const schema = { headers: ResendHeaders, body: ResendBody, response: { 200: ResendAnswer } };
app.post('/v1/resend-verification', { schema }, async () => ({ ok: true as const, message: resendMessage }));
app.get('/readyz', async () => ({ status: 'ok' }));
await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) });
