import type { AskableProvider } from '@reconfirm/core/config/lookup-settings';
import { createAskProvider } from './ask-provider.ts';
import { type LookupLoop, type LookupLoopOptions, startLookupLoop } from './lookup-loop.ts';

export interface Lookups {
  /** What an operator should know, as sentences. */
  warnings(): readonly string[];
  stop(): Promise<void>;
}

/** Starts asking each of the providers, apart from each other: one that is slow delays no other. */
export const startLookups = (
  options: Omit<LookupLoopOptions, 'provider' | 'askProvider'> & {
    readonly providers: readonly AskableProvider[];
    /** Certificates to trust in place of the system's, as PEM. */
    readonly trustedCertificates?: string;
  },
): Lookups => {
  const { providers, trustedCertificates, ...shared } = options;
  const askProvider = createAskProvider({
    ...(trustedCertificates !== undefined && { trustedCertificates }),
  });
  const loops: readonly LookupLoop[] = providers.map((provider) =>
    startLookupLoop({ ...shared, provider, askProvider }),
  );
  return {
    warnings: () => loops.map((loop) => loop.warning()).filter((warning) => warning !== null),
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
      await askProvider.close();
    },
  };
};
