import type { ApiConfig } from '@reconfirm/core/config/config';
import type { Disclosure } from '@reconfirm/core/disclosure';
import type { ContractLimits } from '@reconfirm/core/limits';

/** What one contract wants of the use cases; everything else is the same for all. */
export interface ContractRules {
  /** As rows, metrics and operators know it. */
  readonly contract: string;
  readonly limits: ContractLimits;
  readonly disclosure: Disclosure;
  /** Requests are refused, before any limit is charged, while mail is switched off. */
  readonly refusesWhileEmailIsOff: boolean;
  /** Whether strangers ask by it, so that a configured captcha is asked for. */
  readonly asksCaptcha: boolean;
}

/** A contract's rules as an organization has set them. */
export type RulesOf = (organizationId: string) => ContractRules;

/** Makes the rules once for each configuration: most organizations share the installation's. */
export const rulesByOrganization = (
  rules: (config: ApiConfig) => ContractRules,
  configOf: (organizationId: string) => ApiConfig,
): RulesOf => {
  const made = new WeakMap<ApiConfig, ContractRules>();
  return (organizationId) => {
    const config = configOf(organizationId);
    const known = made.get(config);
    if (known !== undefined) return known;
    const fresh = rules(config);
    made.set(config, fresh);
    return fresh;
  };
};
