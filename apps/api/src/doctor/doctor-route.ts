import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { ApiConfig } from '@reconfirm/core/config/config';
import { configFor, readOrganizationValues } from '@reconfirm/core/config/organization-settings';
import { senderOf } from '@reconfirm/core/doctor/sender';
import { listProcessNames } from '@reconfirm/db/connected-processes';
import type { Database } from '@reconfirm/db/database';
import { readDatabaseClock } from '@reconfirm/db/database-clock';
import { findOrganization } from '@reconfirm/db/organizations';
import { examine } from '@reconfirm/doctor/examine';
import { adminOnly } from '../admin-only.ts';
import { problems } from '../dialects/v1/schemas.ts';
import { ProblemError } from '../problem.ts';
import { createBoundedWork } from '../sessions/bounded-work.ts';
import { DoctorAnswer, DoctorQuery } from './schemas.ts';

/** An examination asks about thirty questions of the DNS and opens two connections; nobody needs many at once. */
const bounds = { widthMax: 2, waitingMax: 4, waitMsMax: 10_000, fault: 'examinations_busy' } as const;

/** Can mail of this installation arrive? The same examination as `npm run doctor`, from where the API runs. */
export const doctorRoute =
  ({ config, db }: { readonly config: ApiConfig; readonly db: Database }): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addHook('onRequest', adminOnly(config.ADMIN_KEY));
    const inTurn = createBoundedWork(bounds);

    app.get(
      '/v1/admin/doctor',
      {
        schema: {
          tags: ['Operator'],
          security: [{ adminKey: [] }],
          summary: 'Can our mail arrive?',
          description:
            "Examines the sender's DNS records, SMTP server, bounce address, clock, webhooks and tracking; takes up to 10 seconds, changes nothing and sends nothing. What is wrong, why it matters, and the record to publish.",
          querystring: DoctorQuery,
          response: { 200: DoctorAnswer, ...problems(400, 401, 404, 503) },
        },
      },
      async (request) => {
        const chosen = await configOf(config, db, request.query.organizationId);
        const report = await inTurn(() =>
          examine({
            sender: senderOf(chosen),
            isApi: true,
            database: { clock: () => readDatabaseClock(db), processNames: () => listProcessNames(db) },
            dnsServers: chosen.DOCTOR_DNS_SERVERS,
          }),
        );
        return {
          ok: true as const,
          ...report,
          at: report.at.toISOString(),
          findings: [...report.findings],
        };
      },
    );
  };

/** As an organization has it, read anew: whoever has just changed a sender wants to see that one. */
const configOf = async (
  config: ApiConfig,
  db: Database,
  organizationId: string | undefined,
): Promise<ApiConfig> => {
  if (organizationId === undefined) return config;
  const organization = await findOrganization(db, organizationId);
  if (organization === undefined) throw new ProblemError('NOT_FOUND');
  const read = readOrganizationValues(organization.settings);
  return 'problems' in read ? config : configFor(config, read.overrides);
};
