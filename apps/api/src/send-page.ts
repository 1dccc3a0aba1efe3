import { randomBytes } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { pageHeaders } from './pages/page-headers.ts';

/** Answers with a page that may load nothing from elsewhere, and be framed by nobody. */
export const sendPage = (
  reply: FastifyReply,
  status: number,
  render: (nonce: string) => string,
  options: { readonly hasScript: boolean; readonly formTargets?: readonly string[] } = { hasScript: false },
): FastifyReply => {
  const nonce = randomBytes(16).toString('base64');
  return reply
    .code(status)
    .serializer((page: string) => page)
    .headers(pageHeaders({ nonce, ...options }))
    .send(render(nonce));
};
