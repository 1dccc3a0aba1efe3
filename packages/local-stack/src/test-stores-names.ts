/** Every database and every Redis key of one test run carries this in its name. */
export const runPrefixOf = (runId: string): string => `reconfirm_test_${runId}`;

/** The same server and user, another database. */
export const urlOfDatabase = (databaseUrl: string, databaseName: string): string => {
  const url = new URL(databaseUrl);
  url.pathname = `/${encodeURIComponent(databaseName)}`;
  return url.href;
};

/** Ends the name of every suite that needs Redis: what did not run is counted by it. */
export const REDIS_SUITE_MARK = '(Redis)';
