import { expect, test } from 'vitest';
import { createTestDatabase, redisPrefix, testStores } from '@reconfirm/local-stack/testing';
import { printReport } from '../src/timing-report.ts';
import { runTiming } from '../src/timing-run.ts';

// Few requests: what `pnpm timing` measures with 20,000 is looked at here with gates that chance does not
// reach, so that a look-up that somebody puts before an answer is seen the same day.
test(
  'no route tells by its answer, its limits or its time who has an account, and a route that does is told apart',
  { timeout: 240_000 },
  async ({ annotate }) => {
    const stores = testStores();
    const database = await createTestDatabase(stores);
    const lines: string[] = [];
    const report = await runTiming({
      databaseUrl: database.url,
      redisUrl: stores.redisUrl,
      redisPrefix: redisPrefix(stores),
      requests: 200,
      seed: Math.floor(Math.random() * 2 ** 31),
      conditions: ['as always'],
      everyRoute: false,
      only: null,
      pooled: false,
      // One would do on a machine of one's own; here noise may take as long as some.
      controlReads: 10,
      say: (line) => lines.push(line),
    });
    await database.drop();
    await annotate(printReport(report));
    expect(report.verdicts).toHaveLength(4);
    for (const { route, strangeAnswers, again, medianMs } of report.verdicts) {
      expect({ route, strangeAnswers }).toEqual({ route, strangeAnswers: [] });
      expect(
        again.filter(({ alike }) => !alike),
        route,
      ).toEqual([]);
      expect(medianMs).toBeGreaterThan(0);
    }
    expect(report.limits.map(({ statuses, differences }) => ({ statuses, differences }))).toEqual([
      { statuses: [200, 429, 429], differences: [] },
      { statuses: [200, 429, 429], differences: [] },
      { statuses: [200, 429, 429], differences: [] },
      // A stranger may ask nothing here, so nothing is counted.
      { statuses: [401, 401, 401], differences: [] },
    ]);
    expect(report.control).toMatchObject({ alike: false });
    expect(report.control.auc).toBeGreaterThan(0.5);
  },
);
