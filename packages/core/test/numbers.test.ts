import { expect, test } from 'vitest';
import { recipientDomainOf, recipientDomains } from '../src/mail-domain.ts';
import { type MessageCounts, parseDimensions, ratesOf } from '../src/numbers.ts';

const none: MessageCounts = {
  settled: 0,
  notSent: 0,
  gaveUp: 0,
  attempted: 0,
  sent: 0,
  delivered: 0,
  bounced: 0,
  complained: 0,
  unconfirmed: 0,
  reporting: 0,
  reportedDelivered: 0,
  provable: 0,
  verified: 0,
};

test('a share of nothing is no share, and not zero', () => {
  expect(ratesOf(none)).toEqual({ delivery: null, bounce: null, complaint: null, conversion: null });
});

test('deliveries are a share of what reporting providers were given: of the others nobody knows', () => {
  const counts = {
    ...none,
    attempted: 10,
    sent: 8,
    delivered: 3,
    bounced: 2,
    reporting: 4,
    reportedDelivered: 3,
  };
  expect(ratesOf({ ...counts, complained: 1, provable: 5, verified: 1 })).toEqual({
    delivery: 0.75,
    bounce: 0.2,
    complaint: 0.125,
    conversion: 0.2,
  });
});

test('a domain that few people share is not named', () => {
  expect(
    ['ada@gmail.com', 'ada@GoogleMail.com', 'ada@live.co.uk', 'ada@web.de'].map(recipientDomainOf),
  ).toEqual(['gmail.com', 'gmail.com', 'outlook.com', 'gmx.net']);
  for (const domain of ['lovelace.example', 'gmail.com.example', 'mail.gmail.com', 'constructor', ''])
    expect(recipientDomainOf(`ada@${domain}`)).toBe('other');
  expect(new Set(recipientDomains).size).toBe(recipientDomains.length);
  // The column holds 40 bytes, and every class is a value of a metric's label.
  for (const name of recipientDomains) expect(name.length).toBeLessThanOrEqual(40);
  expect(recipientDomains.length).toBeLessThan(40);
});

test('dimensions are read in their order, each once, and a wrong name is told which there are', () => {
  expect(parseDimensions('purpose, provider,purpose')).toEqual(['purpose', 'provider']);
  expect(parseDimensions('')).toEqual([]);
  expect(parseDimensions('address')).toEqual({
    problem: 'must list some of provider, domain, purpose, locale, hour',
  });
});
