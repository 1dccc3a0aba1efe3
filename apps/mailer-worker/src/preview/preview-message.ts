import { linkPageOf } from '@reconfirm/core/contract';
import { canonicalLocale, chooseLocale } from '@reconfirm/core/locale';
import { policyOf, type PurposePolicies } from '@reconfirm/core/purposes/policy';
import { purposes } from '@reconfirm/core/purposes/registry';
import { verificationLink } from '@reconfirm/core/redirect';
import type { MailSender } from '../mail-senders.ts';
import { type TemplateName, templateNames } from '../render-request.ts';
import type { Renderer } from '../render.ts';
import { previewContent, purposeOfTemplate, sampleCode, sampleToken } from './preview-content.ts';
import { inTheme, type PreviewTheme, previewThemes } from './preview-theme.ts';

const smsPurposes = ['sms', 'phone_change'] as const;

/** Every mail there is, the notices among them, and the purposes that go by SMS. */
export const previewable = [...templateNames, ...smsPurposes] as const;

export interface PreviewRequest {
  readonly purpose: string;
  /** Any BCP 47 tag; the organization's own language unless given. */
  readonly locale?: string | undefined;
  readonly theme?: string | undefined;
}

export type Preview =
  | {
      readonly channel: 'email';
      readonly from: string;
      readonly locale: string;
      readonly subject: string;
      readonly html: string;
      readonly text: string;
    }
  | {
      readonly channel: 'sms';
      readonly locale: string;
      readonly text: string;
      readonly encoding: string;
      readonly segments: number;
    };

export interface PreviewOptions {
  readonly renderer: Renderer;
  readonly publicUrl: string;
  readonly supportedLocales: readonly string[];
  /** In whose name. */
  readonly sender: Pick<MailSender, 'brand' | 'from' | 'defaultLocale'>;
  readonly policies: PurposePolicies;
}

/** What is wrong with a request, as a sentence; null when it can be shown. */
export const previewProblem = ({ purpose, locale, theme = 'auto' }: PreviewRequest): string | null => {
  if (!previewable.some((name) => name === purpose))
    return `purpose must be one of ${previewable.join(', ')}`;
  if (!previewThemes.some((name) => name === theme))
    return `theme must be one of ${previewThemes.join(', ')}`;
  if (locale !== undefined && canonicalLocale(locale) === undefined)
    return 'locale must be a BCP 47 language tag like es or pt-BR';
  return null;
};

/**
 * A message as it would be sent, made of the same templates, strings and brand, for nobody: its token and
 * code belong to no message and prove nothing. Throws where `previewProblem` finds something.
 */
export const previewMessage = (request: PreviewRequest, options: PreviewOptions): Preview => {
  const problem = previewProblem(request);
  if (problem !== null) throw new Error(problem);
  const { supportedLocales: supported, sender } = options;
  const locale = chooseLocale(request.locale, undefined, supported, sender.defaultLocale);
  const template = templateNames.find((name) => name === request.purpose);
  if (template !== undefined)
    return previewMail(
      template,
      locale,
      previewThemes.find((name) => name === request.theme) ?? 'auto',
      options,
    );
  return previewSms(request.purpose === 'sms' ? 'sms' : 'phone_change', locale, options);
};

const previewMail = (
  template: TemplateName,
  locale: string,
  theme: PreviewTheme,
  { renderer, publicUrl, sender, policies }: PreviewOptions,
): Preview => {
  const pageOf = (path: string): string => verificationLink(new URL(path, publicUrl).href, sampleToken);
  const links = {
    link: pageOf(linkPageOf('v1', purposeOfTemplate[template] ?? '').path),
    notMeLink: pageOf('/v1/not-me'),
  };
  const { brand, from } = sender;
  const mail = renderer.render({ ...previewContent(template, links, policies, brand.name), brand, locale });
  return {
    channel: 'email',
    from: `${from.name} <${from.address}>`.trim(),
    locale: mail.locale,
    subject: mail.subject,
    html: inTheme(mail.html, theme),
    text: mail.text,
  };
};

const previewSms = (
  purpose: (typeof smsPurposes)[number],
  locale: string,
  { renderer, publicUrl, sender, policies }: PreviewOptions,
): Preview => {
  const { text, encoding, segments, ...sms } = renderer.renderSms({
    locale,
    brand: sender.brand,
    values: {
      code: sampleCode,
      host: new URL(publicUrl).hostname,
      lifetimeSeconds: policyOf(purposes[purpose], policies).lifetime.codeSeconds,
    },
  });
  return { channel: 'sms', locale: sms.locale, text, encoding, segments };
};
