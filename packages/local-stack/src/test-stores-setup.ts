// The global set-up of the vitest projects that need stores. Each such project calls it once; the stores
// are started by the first call and ended by the last teardown.
import type { TestProject } from 'vitest/node';
import { startTestStores, type RunningTestStores } from './test-stores.ts';

type Shared = { users: number; running: Promise<RunningTestStores> };

// Each project loads this file anew, so a variable of the module would not be shared.
const SHARED: unique symbol = Symbol.for('reconfirm.test-stores');
type SharedGlobal = typeof globalThis & { [SHARED]?: Shared | undefined };

export default async (project: TestProject): Promise<() => Promise<void>> => {
  const holder: SharedGlobal = globalThis;
  const shared = (holder[SHARED] ??= { users: 0, running: startTestStores(process.env) });
  shared.users += 1;
  const running = await shared.running;
  project.provide('stores', running.stores);
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    holder[SHARED] = undefined;
    await running.stop();
  };
};
