import { expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { register } from './support/requests.ts';
import { openScene } from './support/scene.ts';

/** What each provider has to find on the wire; our id stands as ID. */
const providers = [
  [
    'mailgun',
    {
      'x-mailgun-variables': '{"mid":"ID"}',
      'x-mailgun-track': 'no',
      'x-mailgun-track-clicks': 'no',
      'x-mailgun-track-opens': 'no',
    },
    'disable-tracking="true"',
  ],
  ['ses', { 'x-ses-message-tags': 'mid=ID', 'x-ses-configuration-set': 'verification' }, 'ses:no-track'],
  [
    'sendgrid',
    {
      'x-smtpapi':
        '{"unique_args":{"mid":"ID"},"filters":{"clicktrack":{"settings":{"enable":0}},"opentrack":{"settings":{"enable":0}},"subscriptiontrack":{"settings":{"enable":0}},"ganalytics":{"settings":{"enable":0}},"footer":{"settings":{"enable":0}}}}',
    },
    'clicktracking="off"',
  ],
  [
    'postmark',
    {
      'x-pm-metadata-mid': 'ID',
      'x-pm-message-stream': 'codes',
      'x-pm-tracklinks': 'None',
      'x-pm-trackopens': 'false',
      'x-pm-keepid': 'true',
    },
    'data-pm-no-track',
  ],
  ['resend', { 'resend-idempotency-key': 'ID', 'x-entity-ref-id': 'ID' }, undefined],
  ['brevo', { 'x-mailin-custom': 'mid:ID' }, undefined],
  ['smtp', { 'x-entity-ref-id': 'ID' }, undefined],
] as const;

test.each(providers)(
  'a mail by %s carries our id, its switches against tracking, and links that nothing may rewrite',
  async (provider, headers, attribute) => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    const { messageId } = await register(scene.db, 'reader@example.org', { name: '<a href="x">Ana</a>' });
    await scene.start({
      EMAIL_PROVIDER: provider,
      SES_CONFIGURATION_SET: 'verification',
      POSTMARK_MESSAGE_STREAM: 'codes',
    });
    await scene.ring(messageId);
    expect(await scene.settled(messageId)).toMatchObject({ status: 'sent' });

    for (const [name, value] of Object.entries<string>(headers))
      expect(inbox.header(0, name), name).toBe(value.replace('ID', messageId));
    const html = inbox.mails[0]?.email.html ?? '';
    const links = [...html.matchAll(/<a\b[^>]*>/g)].map(([tag]) => tag);
    expect(links.length).toBeGreaterThan(0);
    for (const tag of links) {
      expect(tag).toContain('https://verify.example.com/');
      expect(tag.match(/no-track|tracking/g) ?? [], tag).toHaveLength(attribute === undefined ? 0 : 1);
      if (attribute !== undefined) expect(tag).toMatch(new RegExp(`^<a ${attribute}\\s`));
    }
    expect(await scene.attempts(messageId)).toMatchObject([{ provider }]);
  },
);
