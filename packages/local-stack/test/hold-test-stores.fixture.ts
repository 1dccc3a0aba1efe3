// Holds stores until it is killed: what a test run that is cut off looks like to the operating system.
import { startTestStores } from '../src/test-stores.ts';

const { stores } = await startTestStores(process.env);
process.stdout.write(`${JSON.stringify(stores)}\n`);
setInterval(() => undefined, 60_000);
