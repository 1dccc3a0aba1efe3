// The process that owns the stores of a test run. It reports them in one line of JSON, and ends them and
// itself when its standard input ends: when the run asks for it, and as well when the run is interrupted
// or killed, because the kernel closes the pipe then. A Ctrl-C in the terminal does not reach it.
import { randomBytes } from 'node:crypto';
import { StackError } from './stack-error.ts';
import { openTestStores, type OpenedStores } from './test-stores-sources.ts';
import { createTemplateDatabase, removeRunData } from './test-stores-template.ts';
import type { TestStoresReport } from './test-stores.ts';

const report = (answer: TestStoresReport): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);
const say = (line: string): void => void process.stderr.write(`stores: ${line}\n`);

const runEnded = new Promise<void>((resolve) => {
  process.stdin
    .once('end', resolve)
    .once('close', resolve)
    .once('error', () => resolve());
  process.stdin.resume();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
});
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const open = async (runId: string): Promise<OpenedStores> => {
  const stores = await openTestStores(process.env, say);
  try {
    const templateDatabase = await createTemplateDatabase(stores, runId);
    say(stores.description);
    const { source } = stores;
    report({
      stores: {
        runId,
        source,
        adminUrl: stores.databaseUrl('postgres'),
        templateDatabase,
        redisUrl: stores.redisUrl ?? null,
      },
    });
    return stores;
  } catch (error) {
    await stores.close();
    throw error;
  }
};

const describe = (error: unknown): string => {
  if (error instanceof StackError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
};

const runId = randomBytes(4).toString('hex');
const stores = await open(runId).catch((error: unknown) => {
  report({ problem: describe(error) });
  process.exit(1);
});
await runEnded;
try {
  try {
    await removeRunData(stores, runId);
  } finally {
    await stores.close();
  }
  process.exit(0);
} catch (error) {
  say(`could not be stopped: ${describe(error)}`);
  process.exit(1);
}
