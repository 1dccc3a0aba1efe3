export { makeCertificate, type TestCertificate, type TestCertificateOptions } from './test-certificate.ts';
export { createTestDatabase, redisPrefix, type TestDatabase } from './test-database.ts';
export { type MovedClock, openMovedClock } from './test-moved-clock.ts';
export type { TestStores } from './test-stores.ts';
export { describeWithRedis, testStores } from './test-with-stores.ts';
