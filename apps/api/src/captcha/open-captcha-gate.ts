import type { ApiConfig } from '@reconfirm/core/config/config';
import { findCaptchaUse, spendCaptchaAnswer } from '@reconfirm/db/captcha-answers';
import type { Database } from '@reconfirm/db/database';
import type { Logger } from '@reconfirm/process/logger';
import type { Limiter } from '../limiter/limiter.ts';
import type { ApiMetrics } from '../metrics.ts';
import { createCaptcha } from './captcha.ts';
import { type CaptchaGate, createCaptchaGate } from './gate.ts';

/** The gate that the settings describe; every contract's use cases share it. */
export const openCaptchaGate = (
  config: ApiConfig,
  db: Database,
  limiter: Limiter,
  log: Logger,
  metrics: ApiMetrics,
): CaptchaGate =>
  createCaptchaGate({
    captcha: createCaptcha({
      config,
      findUse: (hash, requestId) => findCaptchaUse(db, hash, requestId),
      spend: (hash, requestId) => spendCaptchaAnswer(db, hash, requestId),
      onChecked: ({ outcome, reason }) => {
        metrics.captchaChecked(outcome, reason);
        if (outcome === 'unavailable')
          log.warn({ provider: config.CAPTCHA_PROVIDER, reason }, 'captcha.unavailable');
      },
    }),
    when: config.CAPTCHA_WHEN,
    onOutage: config.CAPTCHA_ON_OUTAGE,
    limiter,
  });
