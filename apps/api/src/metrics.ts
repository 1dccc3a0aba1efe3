import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

/** What the API counts. Labels are closed lists: no address, id or text of a caller. */
export interface ApiMetrics {
  readonly registry: Registry;
  requestDone(route: string, method: string, status: number, seconds: number): void;
  resendDecided(contract: string, outcome: string): void;
  limited(kind: string): void;
  intakeBatch(size: number): void;
  /** `size`: the requests of providers that shared a transaction. */
  webhookBatch(size: number): void;
  webhook(provider: string, outcome: string): void;
  signInDecided(outcome: string): void;
  sessionRefreshed(outcome: string): void;
  captchaChecked(outcome: string, reason: string): void;
  limiterChanged(working: boolean): void;
  queueChanged(working: boolean): void;
  untrustedForwardedHeader(): void;
  settingsSeen(count: number): void;
}

export const createApiMetrics = (): ApiMetrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Histogram({
    name: 'reconfirm_http_request_seconds',
    help: 'Time to answer, by route, method and status.',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const decided = new Counter({
    name: 'reconfirm_resends_total',
    help: 'Requests for a message, by contract and outcome.',
    labelNames: ['contract', 'outcome'],
    registers,
  });
  const refused = new Counter({
    name: 'reconfirm_limited_total',
    help: 'Requests refused by a limit, by what it counts (ip, address).',
    labelNames: ['kind'],
    registers,
  });
  const batches = new Histogram({
    name: 'reconfirm_intake_batch_size',
    help: 'Requests that shared one INSERT and one commit.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
    registers,
  });
  const webhooks = new Counter({
    name: 'reconfirm_webhooks_total',
    help: 'Webhook requests and events, by provider and outcome (applied, stored, parked, repeated, replayed, late, ignored, confirmed, or why refused).',
    labelNames: ['provider', 'outcome'],
    registers,
  });
  const webhookBatches = new Histogram({
    name: 'reconfirm_webhook_batch_size',
    help: 'Webhook requests whose reports shared one transaction.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
    registers,
  });
  const signIns = new Counter({
    name: 'reconfirm_sign_ins_total',
    help: 'Sign-ins by password, by outcome (signed_in, refused, suspended, unverified, limited).',
    labelNames: ['outcome'],
    registers,
  });
  const refreshes = new Counter({
    name: 'reconfirm_session_refreshes_total',
    help: 'Refresh tokens shown, by outcome (refreshed, unknown, expired, reused, ended, suspended).',
    labelNames: ['outcome'],
    registers,
  });
  const captchas = new Counter({
    name: 'reconfirm_captcha_total',
    help: 'Captchas checked, by outcome (passed, required, expired, reused, failed, unavailable) and why.',
    labelNames: ['outcome', 'reason'],
    registers,
  });
  const state = (name: string, help: string): Gauge => {
    const gauge = new Gauge({ name, help, registers });
    gauge.set(1);
    return gauge;
  };
  const limiter = state(
    'reconfirm_limiter_working',
    '1 while limits are counted where they are configured to be, 0 while LIMITER_ON_ERROR applies.',
  );
  const queue = state(
    'reconfirm_queue_working',
    '1 while the queue takes rings, 0 while messages wait for the sweep.',
  );
  const forwarded = new Counter({
    name: 'reconfirm_untrusted_forwarded_total',
    help: 'Requests with X-Forwarded-For from a peer outside TRUSTED_PROXIES: all clients behind it share one bucket.',
    registers,
  });
  const settings = new Gauge({
    name: 'reconfirm_settings_in_use',
    help: 'Different settings that the processes at the database have; above 1 for longer than a deploy takes, some are wrong.',
    registers,
  });
  // Finding the series by its labels costs as much as counting; routes and statuses are few.
  const observers = new Map<string, { observe(seconds: number): void }>();
  const counters = new Map<string, { inc(): void }>();
  const counterOf = (key: string, find: () => { inc(): void }): { inc(): void } => {
    const counter = counters.get(key) ?? find();
    counters.set(key, counter);
    return counter;
  };

  return {
    registry,
    requestDone: (route, method, status, seconds) => {
      const key = `${method} ${route} ${status}`;
      let observer = observers.get(key);
      if (observer === undefined) {
        observer = requests.labels({ route, method, status: String(status) });
        observers.set(key, observer);
      }
      observer.observe(seconds);
    },
    resendDecided: (contract, outcome) => {
      const key = `${contract} ${outcome}`;
      counterOf(key, () => decided.labels({ contract, outcome })).inc();
    },
    limited: (kind) => refused.inc({ kind }),
    intakeBatch: (size) => batches.observe(size),
    webhook: (provider, outcome) =>
      counterOf(`webhook ${provider} ${outcome}`, () => webhooks.labels({ provider, outcome })).inc(),
    webhookBatch: (size) => webhookBatches.observe(size),
    signInDecided: (outcome) => signIns.inc({ outcome }),
    sessionRefreshed: (outcome) => refreshes.inc({ outcome }),
    captchaChecked: (outcome, reason) => captchas.inc({ outcome, reason }),
    limiterChanged: (working) => limiter.set(Number(working)),
    queueChanged: (working) => queue.set(Number(working)),
    untrustedForwardedHeader: () => forwarded.inc(),
    settingsSeen: (count) => settings.set(count),
  };
};
