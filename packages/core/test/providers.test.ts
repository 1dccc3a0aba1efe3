import { describe, expect, test } from 'vitest';
import { uuidV7 } from '../src/message-id.ts';
import { findProvider, providerNames, providers } from '../src/providers/registry.ts';
import { webhookCases } from './webhook-cases.ts';

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

  test.each(providerNames)('%s: the headers of a message are safe to put on the wire', (name) => {
    const headers = providers[name].metadataHeaders(uuidV7(now.getTime(), Buffer.alloc(10, 7)));
    for (const [header, value] of Object.entries(headers)) {
      expect(header).toMatch(/^X-[A-Za-z-]+$/);
      expect(value).toMatch(/^[\x20-\x7e]{1,200}$/);
    }
  });

  test('one that carries our id back says so in its headers, and the others add none', () => {
    const id = uuidV7(now.getTime(), Buffer.alloc(10, 7));
    for (const provider of Object.values(providers)) {
      const carried = JSON.stringify(provider.metadataHeaders(id)).includes(id);
      expect(carried, provider.name).toBe(provider.capabilities.customId);
    }
  });

  test('mail of a provider that tracks is sent with all tracking off', () => {
    expect(providers.mailgun.metadataHeaders('0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01')).toEqual({
      'X-Mailgun-Variables': '{"mid":"0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01"}',
      'X-Mailgun-Track': 'no',
      'X-Mailgun-Track-Clicks': 'no',
      'X-Mailgun-Track-Opens': 'no',
    });
  });

  test('one with a webhook is enrolled in the tests below', () => {
    const withWebhook = Object.values(providers)
      .filter((provider) => provider.webhook !== undefined)
      .map((provider) => provider.name);
    expect(withWebhook).toEqual(webhookCases.map((webhookCase) => webhookCase.name));
  });
});
