import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { EmailIdentity } from '@reconfirm/core/account';
import { logLabel } from '@reconfirm/core/keyed-hash';
import { scrubReply } from '@reconfirm/core/reply-text';
import type { Secret } from '@reconfirm/core/secret';
import {
  addSuppression,
  findSuppression,
  liftSuppression,
  listSuppressions,
} from '@reconfirm/db/suppressions';
import type { Database } from '@reconfirm/db/database';
import { adminOnly } from '../../admin-only.ts';
import { ProblemError } from '../../problem.ts';
import { addressKeyOf, type KeySettings } from '../../request-keys.ts';
import { readAddress } from './read-request.ts';
import { problems } from './schemas.ts';
import * as schemas from './suppression-schemas.ts';

export interface SuppressionDependencies {
  readonly db: Database;
  readonly adminKey: Secret | undefined;
  readonly organizationId: string;
  readonly keys: Pick<KeySettings, 'hashKey'>;
  readonly identity: EmailIdentity;
}

const pageSizeDefault = 20;
const shared = { tags: ['Operator'], security: [{ adminKey: [] }] };

/** Addresses that nothing is sent to, for an operator: looking them up, adding and lifting, each on record. */
export const suppressionRoutes =
  ({ db, organizationId, ...deps }: SuppressionDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addHook('onRequest', adminOnly(deps.adminKey));

    const keyOf = (address: string) => {
      const { lookupForm } = readAddress(address, deps);
      return {
        addressKey: addressKeyOf(deps.keys, organizationId, lookupForm),
        channel: lookupForm.includes('@') ? ('email' as const) : ('sms' as const),
      };
    };

    app.get(
      '/v1/admin/suppressions',
      {
        schema: {
          ...shared,
          summary: 'Addresses that nothing is sent to',
          description:
            'After a hard bounce, a complaint, a STOP, or on an operator’s word. With `address`, what is on record of that one. No address is stored: a list shows labels, as the log does.',
          querystring: schemas.ListQuery,
          response: { 200: schemas.ListAnswer, ...problems(400, 401, 503) },
        },
      },
      async ({ query }) => {
        const size = Number(query.limit ?? pageSizeDefault);
        const found = await listSuppressions(db, {
          organizationId,
          inForceOnly: query.state !== 'all',
          limit: size + 1,
          ...(query.address !== undefined && { addressKey: keyOf(query.address).addressKey }),
          ...(query.cursor !== undefined && { beforeId: query.cursor }),
        });
        const page = found.slice(0, size);
        return {
          ok: true as const,
          suppressions: page.map(schemas.suppressionOf),
          nextCursor: found.length > size ? (page.at(-1)?.id ?? null) : null,
        };
      },
    );

    app.get(
      '/v1/admin/suppressions/:id',
      {
        schema: {
          ...shared,
          summary: 'One suppressed address and every change of it',
          params: schemas.IdParams,
          response: { 200: schemas.HistoryAnswer, ...problems(400, 401, 404, 503) },
        },
      },
      async ({ params }) => {
        const found = await findSuppression(db, organizationId, params.id);
        if (found === undefined) throw new ProblemError('NOT_FOUND');
        return {
          ok: true as const,
          suppression: schemas.suppressionOf(found.suppression),
          changes: found.changes.map(schemas.changeOf),
        };
      },
    );

    app.post(
      '/v1/admin/suppressions',
      {
        schema: {
          ...shared,
          summary: 'Send nothing to an address any more',
          description:
            'Its account is told. Said again, the newer word holds; a complaint that is in force stays one.',
          body: schemas.AddBody,
          response: { 200: schemas.Answer, ...problems(400, 401, 413, 415, 503) },
        },
      },
      async (request) => {
        const { address, days } = request.body;
        const key = keyOf(address);
        const suppression = await addSuppression(db, {
          organizationId,
          ...key,
          days: days ?? null,
          ...wordOf(request.body),
        });
        request.log.info(
          { suppressionId: suppression.id, addressLabel: logLabel(key.addressKey) },
          'admin.address_suppressed',
        );
        return { ok: true as const, suppression: schemas.suppressionOf(suppression) };
      },
    );

    app.delete(
      '/v1/admin/suppressions/:id',
      {
        schema: {
          ...shared,
          summary: 'Send to an address again',
          description:
            'Who lifts it and why is kept. Its account is told, and its next hard bounce counts as the first. One that is over already is left as it is.',
          params: schemas.IdParams,
          body: schemas.LiftBody,
          response: { 200: schemas.LiftAnswer, ...problems(400, 401, 404, 413, 415, 503) },
        },
      },
      async (request) => {
        const at = { organizationId, id: request.params.id };
        const suppression = await liftSuppression(db, at, wordOf(request.body));
        if (suppression === undefined) throw new ProblemError('NOT_FOUND');
        request.log.info({ suppressionId: suppression.id }, 'admin.suppression_lifted');
        return {
          ok: true as const,
          suppression: schemas.suppressionOf(suppression),
          providerList: 'not_asked' as const,
        };
      },
    );
  };

/** As it is kept: an operator may write the person's address into the reason, and it stands in no row. */
const wordOf = ({ by, why }: { readonly by: string; readonly why: string }) => ({
  who: scrubReply(by),
  why: scrubReply(why),
});
