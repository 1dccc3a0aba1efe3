import type { Account } from '@reconfirm/core/account';
import { chooseLocale } from '@reconfirm/core/locale';
import { numberBlock } from '@reconfirm/core/phone';
import { judgeSmsNumber, priceOf, type SmsPrices, type SmsRules } from '@reconfirm/core/sms-policy';
import type { SmsProvider } from '@reconfirm/core/sms-providers/provider';
import type { ClaimedMessage } from '@reconfirm/db/claims';
import type { Carrier, HandOver } from './carrier.ts';
import type { MailSender } from './mail-senders.ts';
import type { RenderedSms } from './render-sms.ts';
import type { Renderer } from './render.ts';
import type { SmsSpending } from './sms-spending.ts';
import type { SmsTransport } from './transports/transport.ts';
import { wantedPage } from './wanted-page.ts';

export interface SmsCarrierOptions {
  readonly renderer: Pick<Renderer, 'renderSms'>;
  readonly transport: SmsTransport;
  readonly provider: SmsProvider;
  readonly spending: SmsSpending;
  readonly rules: SmsRules;
  readonly prices: SmsPrices;
  readonly publicUrl: string;
  readonly production: boolean;
  readonly supportedLocales: readonly string[];
  readonly senderOf: (organizationId: string) => Pick<MailSender, 'brand' | 'redirects' | 'defaultLocale'>;
  /** Told of every SMS that was (or may have been) taken, with what it costs. */
  readonly spent: (country: string, costMicros: number) => void;
  readonly refused: (reason: 'sms_number_not_allowed' | 'sms_country_not_allowed') => void;
}

interface SmsDraft {
  readonly claimed: ClaimedMessage;
  readonly account: Account | null;
  readonly to: string;
  readonly code: string | null;
  readonly lifetimeSeconds: number;
  /** Whether the code comes back to us. */
  readonly isOurs: boolean;
}

/** Composes SMS, pays for them out of the budgets, and hands them to the provider's transport. */
export const createSmsCarrier = (options: SmsCarrierOptions): Carrier => {
  const { renderer, transport, provider, spending, prices } = options;

  const compose = ({ claimed, account, code, lifetimeSeconds }: SmsDraft): RenderedSms => {
    if (code === null) throw new Error(`An SMS of purpose ${claimed.purpose} has no code to bring`);
    const sender = options.senderOf(claimed.organizationId);
    // A phone offers the code on the pages of this host only, so it is the one where it is typed in.
    const page =
      wantedPage([claimed.redirectUrl, account?.redirectUrl ?? null], sender, options.production) ??
      options.publicUrl;
    return renderer.renderSms({
      locale: chooseLocale(
        claimed.locale ?? undefined,
        account?.locale ?? undefined,
        options.supportedLocales,
        sender.defaultLocale,
      ),
      brand: sender.brand,
      values: { code, host: new URL(page).hostname, lifetimeSeconds },
    });
  };

  const handOver = (draft: SmsDraft): HandOver => {
    const { text, segments } = compose(draft);
    const { id: messageId, attempt, organizationId } = draft.claimed;
    // Judged again when it is sent: a country that was taken off the list gets nothing from then on.
    const judged = judgeSmsNumber(draft.to, options.rules);
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
    const costMicros = (priceOf(prices, country) ?? 0) * segments;
    const prefix = numberBlock(address);
    return {
      reserve: () =>
        spending.reserve({
          messageId,
          attempt,
          organizationId,
          country,
          prefix,
          costMicros,
          isJudged: draft.isOurs,
        }),
      release: () => spending.release({ messageId, attempt }),
      send: async (signal) => {
        const result = await transport.send({ messageId, to: draft.to, text }, signal);
        if (result.kind === 'accepted' || result.failure.kind === 'ambiguous')
          options.spent(country, costMicros);
        return result;
      },
    };
  };

  return {
    channel: 'sms',
    providerName: provider.name,
    isOff: provider.carriesSms === 'none',
    // A second SMS costs a second time; a person who waits asks again.
    retriesAmbiguous: false,
    prepare: ({ claimed, account, to, policy, credential }) =>
      handOver({
        claimed,
        account,
        to,
        code: credential.code?.reveal() ?? null,
        lifetimeSeconds: policy.lifetime.codeSeconds,
        isOurs: true,
      }),
    prepareNotice: null,
    prepareRelayed: ({ claimed, content: { to, code, lifetimeSeconds } }) =>
      handOver({ claimed, account: null, to, code, lifetimeSeconds, isOurs: false }),
  };
};
