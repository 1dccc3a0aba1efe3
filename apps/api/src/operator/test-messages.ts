import type { ApiConfig } from '@reconfirm/core/config/config';
import { purposePoliciesOf } from '@reconfirm/core/config/config';
import { linkPageOf } from '@reconfirm/core/contract';
import type { Destination } from '@reconfirm/core/destination';
import { policyOf } from '@reconfirm/core/purposes/policy';
import { purposes } from '@reconfirm/core/purposes/registry';
import { verificationLink } from '@reconfirm/core/redirect';
import { testContent, type TestedPurpose } from '@reconfirm/core/test-message';
import { drawRandom } from '@reconfirm/process/random-pool';
import type { ContractRules } from '../contract-rules.ts';
import type { Resend, ResendOutcome } from '../resend.ts';

/** What an operator's test messages ask of the use cases: a limit of their own, and nobody else's. */
export const operatorRules = (config: ApiConfig): ContractRules => ({
  contract: 'operator',
  limits: { ip: [], email: config.TEST_MESSAGE_LIMIT, phone: config.TEST_MESSAGE_LIMIT },
  disclosure: 'strict',
  refusesWhileEmailIsOff: config.EMAIL_PROVIDER === 'none',
  asksCaptcha: false,
});

export interface TestMessage {
  readonly organizationId: string;
  readonly destination: Destination;
  /** What it looks like. */
  readonly purpose: TestedPurpose;
  readonly locale: string | null;
  readonly idempotencyKey: string | undefined;
}

export type SendTestMessage = (message: TestMessage) => Promise<ResendOutcome>;

/**
 * A message like every other one: a row, a ring, a worker, the organization's sender, template and provider.
 * Only its credential is made up, and it is ordered and counted apart from what people ask for.
 */
export const createTestMessages = (deps: {
  readonly resend: Resend;
  readonly publicUrl: string;
  readonly configOf: (organizationId: string) => ApiConfig;
}): SendTestMessage => {
  const linkTo = (path: string): string =>
    verificationLink(
      new URL(path, deps.publicUrl).href,
      // As long and of the same digits as a token. Nothing holds its hash.
      Buffer.from(drawRandom(32)).toString('hex'),
    );

  return ({ organizationId, destination, purpose, locale, idempotencyKey }) => {
    const { lifetime } = policyOf(purposes[purpose], purposePoliciesOf(deps.configOf(organizationId)));
    const isSms = destination.channel === 'sms';
    const links = {
      link: linkTo(linkPageOf('v1', purpose).path),
      notMeLink: linkTo('/v1/not-me'),
    };
    return deps.resend({
      organizationId,
      purpose: isSms ? purposes.test_sms : purposes.test,
      destination,
      redirectUrl: null,
      locale,
      // Nobody's: what an operator tries must not use up what people behind the same address may ask for.
      clientAddress: '::',
      idempotencyKey,
      fingerprint: [purpose],
      content: testContent(destination, purpose, links, isSms ? lifetime.codeSeconds : lifetime.linkSeconds),
    });
  };
};
