import type { FastifyPluginAsync } from 'fastify';
import type { ApiConfig } from '@reconfirm/core/config/config';
import type { ContractName } from '@reconfirm/core/contract';
import type { ContractDocument } from '../documentation.ts';
import type { ContractRules } from '../contract-rules.ts';
import type { Parts } from '../use-cases.ts';
import { composeEntryguard, entryguardDocument, entryguardRules } from './entryguard.ts';
import { composeSingularity, singularityDocument, singularityRules } from './singularity.ts';
import { gotrueDocument } from '../dialects/gotrue/document.ts';
import { composeGotrue, gotrueRules } from './gotrue.ts';
import { composeV1, v1Rules } from './v1.ts';

/** One contract as an installation speaks it. */
interface Contract {
  readonly rules: (config: ApiConfig) => ContractRules;
  readonly compose: (parts: Parts) => FastifyPluginAsync;
  /** Null: its routes stand in /openapi.json. */
  readonly document: ContractDocument | null;
}

/** Every contract that CONTRACTS can name. */
export const contracts: Readonly<Record<ContractName, Contract>> = {
  v1: { rules: v1Rules, compose: composeV1, document: null },
  singularity: { rules: singularityRules, compose: composeSingularity, document: singularityDocument },
  entryguard: { rules: entryguardRules, compose: composeEntryguard, document: entryguardDocument },
  gotrue: { rules: gotrueRules, compose: composeGotrue, document: gotrueDocument },
};
