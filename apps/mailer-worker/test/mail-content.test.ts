import { newestOnly } from '@reconfirm/core/live-tokens';
import { purposes } from '@reconfirm/core/purposes/registry';
import { Secret } from '@reconfirm/core/secret';
import { expect, test } from 'vitest';
import type { Draft } from '../src/carrier.ts';
import { mailContent } from '../src/mail-content.ts';
import { availableLocales, createRenderer } from '../src/render.ts';

const renderer = await createRenderer({ brand: { name: 'Test' }, supportedLocales: availableLocales });
const link = 'https://verify.example.com/v1/verify-email?token=abc';
const links = { link, notMeLink: 'https://verify.example.com/v1/not-me?token=abc' };

const draftOf = (purpose: Draft['purpose'], side: 'new' | 'current'): Draft => ({
  claimed: {
    id: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01',
    attempt: 1,
    organizationId: '00000000-0000-7000-8000-000000000001',
    purpose: purpose.name,
    contract: 'v1',
    locale: null,
    redirectUrl: null,
    failures: 0,
    lostLeases: 0,
    ageSeconds: 0,
    newerMessages: 0,
    account: null,
    change: { side, newAddress: 'new@example.com', oldAddress: 'old@example.com', isOpen: true },
    sealed: null,
    noticedToday: false,
    isSuppressed: false,
    token: null,
  },
  account: {
    id: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d02',
    status: 'active',
    email: 'ada@example.com',
    phone: null,
    name: 'Ada',
    locale: null,
    redirectUrl: null,
  },
  to: 'ada@example.com',
  purpose,
  policy: { lifetime: purpose.lifetime, liveTokens: newestOnly, sendWithinSeconds: 3600 },
  credential: {
    token: new Secret('abc'),
    tokenHash: Buffer.alloc(32),
    code: purpose.credential === 'link_and_code' ? new Secret('012345') : null,
    codeHash: null,
    nonce: Buffer.alloc(16),
    keyVersion: 1,
  },
});

test.each(
  Object.values(purposes)
    .filter(({ channel, credential }) => channel === 'email' && credential !== 'none')
    .flatMap((purpose) => [
      { purpose, side: 'new' as const },
      { purpose, side: 'current' as const },
    ]),
)(
  'a mail of $purpose.name to the $side address carries its link, its code where it has one, and no whole address of anybody',
  ({ purpose, side }) => {
    const rendered = renderer.render({ ...mailContent(draftOf(purpose, side), links, 'Test'), locale: 'en' });
    expect(rendered.text).toContain(link);
    expect(rendered.html).toContain('token=abc');
    expect(rendered.text.includes('012345')).toBe(purpose.credential === 'link_and_code');
    for (const part of [rendered.text, rendered.html, rendered.subject])
      expect(part).not.toContain('new@example.com');
  },
);

test('the old address learns only the outline of the new one', () => {
  const { text } = renderer.render({
    ...mailContent(draftOf(purposes.email_changed, 'current'), links, 'Test'),
    locale: 'en',
  });
  // Word joiners keep mail programs from making a link of it.
  expect(text.replaceAll('\u2060', '')).toContain('n•••@e•••.com');
});
