import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { expect, test } from 'vitest';
import { watchRedis } from '../src/dump-stores.ts';
import { redisSettings } from '../src/installation.ts';
import { startQuotingSmtp } from '../src/quoting-smtp.ts';
import { startRepeatingEndpoint } from '../src/repeating-endpoint.ts';
import { formsOf, scanFor, type Canary } from '../src/secret-scan.ts';
import { strictContracts } from '../src/strict-contracts.ts';
import { playCanaries } from './support/canary-flow.ts';
import { collectEvidence } from './support/evidence.ts';
import { openScene } from './support/scene.ts';
import { smsSettings } from './support/sms-settings.ts';

/** Where an address may stand: with its account, and with a change of it. */
const columnsOfAddresses = [
  'public.accounts.email',
  'public.accounts.phone',
  'public.contact_changes.new_address',
  'public.contact_changes.old_address',
];

const settings = {
  LOG_LEVEL: 'trace',
  // Nothing here is about being quick; a busy machine must not answer 503 before the fault.
  DATABASE_TIMEOUT_MS: '10000',
  RATE_LIMIT_ADDRESS: 'off',
  RATE_LIMIT_IP: 'off',
  RATE_LIMIT_PHONE: 'off',
  EVENT_LOOPBACK: 'on',
  SWEEP_INTERVAL_MS: '500',
  NOTICE_UNKNOWN_ACCOUNT: 'on',
};

describeWithRedis(
  'everything that people do and everything that fails, at the most talkative',
  (redisUrl) => {
    test(
      'leaves no token, code, password or key in any log, store, metric or error, and addresses with their accounts only',
      { timeout: 240_000 },
      async ({ annotate }) => {
        await using watch = await watchRedis(redisUrl);
        await using quoting = await startQuotingSmtp();
        await using endpoint = await startRepeatingEndpoint();
        const evidence = collectEvidence();
        await using scene = await openScene({ ...redisSettings(redisUrl), ...settings }, evidence.keepLine);
        const sms = smsSettings(scene.inbox.httpPort);
        const apiSettings = { ...strictContracts(), ...sms.api };
        const { addresses, messageId } = await playCanaries({
          scene,
          evidence,
          redisUrl,
          api: await scene.startApi(apiSettings),
          apiSettings,
          worker: await scene.startWorker(sms.worker),
          workerSettings: sms.worker,
          quoting,
          endpointUrl: endpoint.url,
        });

        const whole = addresses.map((value): Canary => ({ name: 'address', value }));
        const parts = addresses.map((value): Canary => ({
          name: 'part of an address',
          value: value.replace(/^\+45|@.*$/g, ''),
        }));
        const canaries = [...evidence.secrets(), ...whole, ...parts];
        const places = evidence.places(watch.commands, columnsOfAddresses);
        const sizes = Object.entries(places).map(([name, text]) => `${name} ${text.length}`);
        await annotate(`${canaries.length} canaries; characters: ${sizes.join(', ')}; no traces are made`);
        for (const [name, text] of Object.entries(places))
          expect({ name, hits: scanFor(canaries, text) }).toEqual({ name, hits: [] });
        expect(evidence.secrets().flatMap(evidence.columnsWith)).toEqual([]);
        expect([...new Set(whole.flatMap(evidence.columnsWith))].toSorted()).toEqual(columnsOfAddresses);
        expect(telemetryPackages()).toEqual([]);

        // Each place was really looked at: it holds what belongs there.
        for (const name of ['log of the API', 'log of the worker', 'Redis', 'Postgres'])
          expect(scanFor([{ name: 'message id', value: messageId }], places[name] ?? ''), name).not.toEqual(
            [],
          );
        expect(places['metrics']).toMatch(/^reconfirm_resends_total\{/m);
        expect(places['metrics']).toMatch(/^reconfirm_messages_done_total\{/m);
        expect(places['error bodies']).toMatch(/TOKEN_UNKNOWN[^]*SERVICE_UNAVAILABLE/);
        // And a secret would have been seen in each of them, in whatever spelling.
        const [secret] = evidence.secrets().filter(({ name }) => name === 'token');
        for (const [name, text] of Object.entries(places)) {
          const middle = text.slice(Math.floor(text.length / 2)).slice(0, 2000);
          for (const [form, spelling] of formsOf(secret?.value ?? '')) {
            const hits = scanFor(secret === undefined ? [] : [secret], `${middle} ${spelling} ${middle}`);
            expect({ name, form, isSeen: hits.length > 0 }).toEqual({ name, form, isSeen: true });
          }
        }
      },
    );
  },
);

/** Traces are the seventh place; nothing that makes any is installed. When that changes, they belong into this test. */
const telemetryPackages = (): string[] => {
  const root = join(import.meta.dirname, '..', '..', '..');
  return ['apps', 'packages'].flatMap((folder) =>
    readdirSync(join(root, folder)).flatMap((name) => {
      const file = readFileSync(join(root, folder, name, 'package.json'), 'utf8');
      const { dependencies = {} } = JSON.parse(file) as { dependencies?: Record<string, string> };
      return Object.keys(dependencies).filter((known) =>
        /opentelemetry|otel|sentry|dd-trace|newrelic|elastic-apm/.test(known),
      );
    }),
  );
};
