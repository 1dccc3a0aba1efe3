import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from './support/hand-over.ts';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { postReport, report } from './support/mailgun.ts';
import { expectProblem, fieldsOf } from './support/problems.ts';
import { get, getAsAdmin, register } from './support/requests.ts';

interface Numbers {
  readonly from: string;
  readonly to: string;
  readonly truncated: boolean;
  readonly numbers: readonly {
    readonly group: Readonly<Record<string, string>>;
    readonly sent: number;
    readonly rates: Readonly<Record<string, number | null>>;
  }[];
}

describe('the numbers', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi();
  });
  afterAll(() => installation.close());
  const numbers = async (query = ''): Promise<Numbers> =>
    (await getAsAdmin(api, `/v1/admin/numbers?${query}`)).json<Numbers>();

  it('of nothing are no shares, and of messages are what became of them', async () => {
    expect((await numbers()).numbers).toEqual([]);
    const ids: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      await register(api);
      ids.push((await handOverNewest(installation.db, api.config)).messageId);
    }
    await installation.db.updateTable('messages').set({ provider: 'mailgun' }).execute();
    await postReport(api, report('delivered', ids[0] ?? ''));
    await postReport(api, report('delivered', ids[1] ?? ''));
    await postReport(api, report('complained', ids[1] ?? ''));
    await postReport(api, report('failed', ids[2] ?? '', { severity: 'permanent', reason: 'bounce' }));
    const { numbers: groups, truncated } = await numbers('by=provider,purpose,domain');
    expect(truncated).toBe(false);
    expect(groups).toMatchObject([
      {
        group: { provider: 'mailgun', purpose: 'signup', domain: 'none' },
        sent: 4,
        rates: { delivery: 0.5, bounce: 0.25, complaint: 0.25, conversion: 0 },
      },
    ]);
  });

  it('are of the last day unless said otherwise, and of a month at most', async () => {
    const day = await numbers();
    expect(Date.parse(day.to) - Date.parse(day.from)).toBe(86_400_000);
    const span = (days: number): string =>
      `from=2026-01-01T00:00:00Z&to=${new Date(Date.UTC(2026, 0, 1 + days)).toISOString()}`;
    expect((await numbers(span(31))).numbers).toEqual([]);
    for (const [field, query] of [
      ['from', span(32)],
      ['from', span(0)],
      ['from', 'from=yesterday'],
      ['by', 'by=address'],
      ['organizationId', 'organizationId=1'],
    ] as const) {
      const answer = await getAsAdmin(api, `/v1/admin/numbers?${query}`);
      expect(fieldsOf(expectProblem(answer, { status: 400, reason: 'VALIDATION_FAILED' }))).toContain(field);
    }
  });

  it('are the operator’s alone', async () => {
    expectProblem(await get(api, '/v1/admin/numbers'), { status: 401, reason: 'UNAUTHORIZED' });
  });
});
