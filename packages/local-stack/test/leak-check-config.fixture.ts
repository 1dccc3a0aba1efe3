import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: join(import.meta.dirname, 'leaks'),
    include: ['*.fixture.ts'],
    globalSetup: '../../src/test-stores-setup.ts',
    setupFiles: '../../src/test-leak-check.ts',
    // The files wait, two seconds each; they do not compute.
    maxWorkers: 7,
  },
});
