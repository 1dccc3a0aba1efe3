import { randomBytes } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import {
  organizationProblems,
  type OrganizationValues,
  readOrganizationValues,
} from '@reconfirm/core/config/organization-settings';
import { uuidV7 } from '@reconfirm/core/message-id';
import type { Organization } from '@reconfirm/db/organizations';
import { adminOnly } from '../../admin-only.ts';
import { ProblemError } from '../../problem.ts';

import type { V1Dependencies } from './dependencies.ts';
import * as schemas from './schemas-organization.ts';
import { IdParams, problems } from './schemas.ts';

/** Organizations and what they set for themselves, for the operator. A change is known everywhere within seconds. */
export const organizationRoutes =
  (deps: V1Dependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addHook('onRequest', adminOnly(deps.adminKey));
    const shared = { tags: ['Operator'], security: [{ adminKey: [] }] };

    app.post(
      '/v1/admin/organizations',
      {
        schema: {
          ...shared,
          summary: 'Make an organization',
          description:
            'It works with the defaults of the installation. Settings have the names and forms of docs/configuration.md.',
          body: schemas.NewOrganization,
          response: { 201: schemas.OrganizationAnswer, ...problems(400, 401, 409, 413, 415, 503) },
        },
      },
      async (request, reply) => {
        const { slug, name, settings = {} } = request.body;
        const organization = await deps.organizations.create({
          id: uuidV7(Date.now(), randomBytes(10)),
          slug,
          name,
          settings: readValues(settings),
        });
        if (organization === null) throw new ProblemError('ORGANIZATION_EXISTS');
        return reply.code(201).send({ ok: true as const, organization: shown(organization) });
      },
    );

    app.get(
      '/v1/admin/organizations',
      {
        schema: {
          ...shared,
          summary: 'All organizations',
          response: { 200: schemas.OrganizationsAnswer, ...problems(401, 503) },
        },
      },
      async () => ({ ok: true as const, organizations: (await deps.organizations.list()).map(shown) }),
    );

    app.get(
      '/v1/admin/organizations/:id',
      {
        schema: {
          ...shared,
          summary: 'One organization',
          params: IdParams,
          response: { 200: schemas.OrganizationAnswer, ...problems(400, 401, 404, 503) },
        },
      },
      async (request) => ({ ok: true as const, organization: shown(await find(request.params.id)) }),
    );

    app.patch(
      '/v1/admin/organizations/:id',
      {
        schema: {
          ...shared,
          summary: 'Change an organization while it runs',
          description:
            'Settings that are given replace those of the same name; null takes one back to the installation’s. With one wrong value nothing is changed.',
          params: IdParams,
          body: schemas.OrganizationPatch,
          response: { 200: schemas.OrganizationAnswer, ...problems(400, 401, 404, 413, 415, 503) },
        },
      },
      async (request) => {
        const before = await find(request.params.id);
        const merged = { ...before.settings, ...request.body.settings };
        const kept = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
        const after = await deps.organizations.update(before.id, {
          name: request.body.name ?? before.name,
          settings: readValues(kept),
        });
        if (after === undefined) throw new ProblemError('NOT_FOUND');
        return { ok: true as const, organization: shown(after) };
      },
    );

    const find = async (id: string): Promise<Organization> => {
      const organization = await deps.organizations.find(id);
      if (organization === undefined) throw new ProblemError('NOT_FOUND');
      return organization;
    };

    /** The values as given once every one of them can be read. */
    const readValues = (values: Readonly<Record<string, unknown>>): OrganizationValues => {
      const read = readOrganizationValues(values);
      const sentences =
        'problems' in read ? read.problems : organizationProblems(read.overrides, deps.organizations.limits);
      if (sentences.length > 0)
        throw new ProblemError('VALIDATION_FAILED', {
          errors: sentences.map((sentence) => ({
            field: `settings.${sentence.split(' ', 1)[0] ?? ''}`,
            message: sentence,
            code: 'setting',
          })),
        });
      return values;
    };
  };

const shown = (organization: Organization) => ({
  id: organization.id,
  slug: organization.slug,
  name: organization.name,
  settings: { ...organization.settings },
  createdAt: organization.createdAt.toISOString(),
  updatedAt: organization.updatedAt.toISOString(),
});
