import { describe, expect, test } from 'vitest';
import { uuidV7 } from '../src/message-id.ts';
import { findProvider, providerNames, providers } from '../src/providers/registry.ts';
import type { Provider } from '../src/providers/provider.ts';

const now = new Date('2026-11-18T00:00:10Z');

describe('every provider', () => {
  test.each(providerNames)('%s is known by the name that it carries', (name) => {
    expect(providers[name].name).toBe(name);
    expect(findProvider(name)).toBe(providers[name]);
  });

  test('a name that is not registered, and one of every object, is no provider', () => {
    expect(findProvider('pigeon')).toBeUndefined();
    expect(findProvider('constructor')).toBeUndefined();
  });

  const id = uuidV7(now.getTime(), Buffer.alloc(10, 7));
  const options = { configurationSet: 'verification', messageStream: 'outbound' };

  test.each(providerNames)('%s: the headers of a message are safe to put on the wire', (name) => {
    const provider: Provider = providers[name];
    for (const [header, value] of Object.entries(provider.metadataHeaders(id, options))) {
      expect(header).toMatch(/^(?:X|Resend)-[A-Za-z-]+$/);
      expect(value).toMatch(/^[\x20-\x7e]{1,500}$/);
    }
  });

  test('one that carries our id back says so in its headers, and the others add none', () => {
    for (const provider of Object.values<Provider>(providers)) {
      const carried = JSON.stringify(provider.metadataHeaders(id, options)).includes(id);
      expect(carried, provider.name).toBe(provider.capabilities.customId);
    }
  });

  test('a mail carries our id and the key against repetitions, and switches tracking off where a header can', () => {
    const mid = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01';
    const headersOf = (provider: Provider, given = options) => provider.metadataHeaders(mid, given);
    expect(headersOf(providers.mailgun)).toEqual({
      'X-Mailgun-Variables': `{"mid":"${mid}"}`,
      'X-Mailgun-Track': 'no',
      'X-Mailgun-Track-Clicks': 'no',
      'X-Mailgun-Track-Opens': 'no',
    });
    expect(headersOf(providers.ses)).toEqual({
      'X-SES-MESSAGE-TAGS': `mid=${mid}`,
      'X-SES-CONFIGURATION-SET': 'verification',
    });
    expect(JSON.parse(headersOf(providers.sendgrid)['X-SMTPAPI'] ?? '')).toEqual({
      unique_args: { mid },
      filters: Object.fromEntries(
        ['clicktrack', 'opentrack', 'subscriptiontrack', 'ganalytics', 'footer'].map((filter) => [
          filter,
          { settings: { enable: 0 } },
        ]),
      ),
    });
    expect(headersOf(providers.postmark)).toEqual({
      'X-PM-Metadata-mid': mid,
      'X-PM-KeepID': 'true',
      'X-PM-TrackLinks': 'None',
      'X-PM-TrackOpens': 'false',
      'X-PM-Message-Stream': 'outbound',
    });
    expect(headersOf(providers.resend)).toEqual({ 'Resend-Idempotency-Key': mid });
    expect(headersOf(providers.brevo)).toEqual({ 'X-Mailin-custom': `mid:${mid}` });
  });

  test('what is not set is not said', () => {
    const none = { configurationSet: undefined, messageStream: undefined };
    expect(Object.keys(providers.ses.metadataHeaders(id, none))).toEqual(['X-SES-MESSAGE-TAGS']);
    expect(providers.postmark.metadataHeaders(id, none)).not.toHaveProperty('X-PM-Message-Stream');
  });

  test('exactly those that hand over by SMTP, but for any server at all, have a server of their own', () => {
    for (const provider of Object.values<Provider>(providers))
      expect(provider.smtpServer !== undefined, provider.name).toBe(
        provider.carriesMail === 'smtp' && provider.name !== 'smtp',
      );
  });
});
