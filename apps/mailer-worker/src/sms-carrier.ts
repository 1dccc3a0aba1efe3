import { chooseLocale } from '@reconfirm/core/locale';
import { numberBlock } from '@reconfirm/core/phone';
import { judgeSmsNumber, priceOf, type SmsPrices, type SmsRules } from '@reconfirm/core/sms-policy';
import type { OutgoingSms, SmsProvider } from '@reconfirm/core/sms-providers/provider';
import { measureSms } from '@reconfirm/core/sms-text';
import type { Carrier, Draft } from './carrier.ts';
import type { SmsSpending } from './sms-spending.ts';
import type { RenderSms } from './sms-text.ts';
import type { SmsTransport } from './transports/transport.ts';

export interface SmsCarrierOptions {
  readonly renderSms: RenderSms;
  readonly transport: SmsTransport;
  readonly provider: SmsProvider;
  readonly spending: SmsSpending;
  readonly rules: SmsRules;
  readonly prices: SmsPrices;
  readonly publicUrl: string;
  readonly supportedLocales: readonly string[];
  readonly defaultLocale: string;
  /** Told of every SMS that was (or may have been) taken, with what it costs. */
  readonly spent: (country: string, costMicros: number) => void;
  readonly refused: (reason: 'sms_number_not_allowed' | 'sms_country_not_allowed') => void;
}

/** Composes SMS, pays for them out of the budgets, and hands them to the provider's transport. */
export const createSmsCarrier = (options: SmsCarrierOptions): Carrier => {
  const { transport, provider, spending, prices } = options;
  const host = new URL(options.publicUrl).hostname;

  const compose = ({ claimed, account, to, policy, credential }: Draft): OutgoingSms => {
    if (credential.code === null)
      throw new Error(`An SMS of purpose ${claimed.purpose} has no code to bring`);
    const locale = chooseLocale(
      claimed.locale ?? undefined,
      account.locale ?? undefined,
      options.supportedLocales,
      options.defaultLocale,
    );
    const text = options.renderSms(locale, {
      code: credential.code.reveal(),
      host,
      lifetimeSeconds: policy.lifetime.codeSeconds,
    });
    return { messageId: claimed.id, to, text };
  };

  return {
    channel: 'sms',
    providerName: provider.name,
    isOff: provider.carriesSms === 'none',
    // A second SMS costs a second time; a person who waits asks again.
    retriesAmbiguous: false,
    prepare: (draft) => {
      const sms = compose(draft);
      const { id: messageId, attempt, organizationId } = draft.claimed;
      // Judged again when it is sent: a country that was taken off the list gets nothing from then on.
      const judged = judgeSmsNumber(sms.to, options.rules);
      if ('refusal' in judged) {
        return {
          reserve: () => {
            options.refused(judged.refusal);
            return Promise.resolve(judged.refusal);
          },
          send: () => Promise.reject(new Error(judged.refusal)),
        };
      }
      const { country, address } = judged.number;
      const costMicros = (priceOf(prices, country) ?? 0) * measureSms(sms.text).segments;
      return {
        reserve: () =>
          spending.reserve({
            messageId,
            attempt,
            organizationId,
            country,
            prefix: numberBlock(address),
            costMicros,
          }),
        release: () => spending.release({ messageId, attempt }),
        send: async (signal) => {
          const result = await transport.send(sms, signal);
          if (result.kind === 'accepted' || result.failure.kind === 'ambiguous')
            options.spent(country, costMicros);
          return result;
        },
      };
    },
  };
};
