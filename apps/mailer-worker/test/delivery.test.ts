import { hashToken } from '@reconfirm/core/token';
import { expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { confirm } from './support/confirm.ts';
import { neverDuring } from './support/eventually.ts';
import { linkIn, tokenIn } from './support/mail-token.ts';
import { register, registerMany, resend } from './support/requests.ts';
import { openScene } from './support/scene.ts';

test('an accepted message is delivered once, to the stored address, with a link that works', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { accountId, messageId } = await register(scene.db, 'Reader@example.org', { name: 'Ana' });
  await scene.start();
  await scene.ring(messageId);

  expect(await scene.settled(messageId)).toMatchObject({
    status: 'sent',
    account_id: accountId,
    failures: 0,
  });
  await scene.ring(messageId, messageId);
  await neverDuring('a second copy', 1500, () => inbox.mails.length !== 1);
  const [mail] = inbox.mails;
  expect(mail?.recipients).toEqual(['Reader@example.org']);
  expect(mail?.email.to?.map(({ address }) => address)).toEqual(['Reader@example.org']);
  expect(mail?.email.messageId).toBe(`<${messageId}@mail.example.com>`);
  const link = linkIn(mail);
  expect(link.origin + link.pathname).toBe('https://verify.example.com/v1/verify-email');
  expect(mail?.email.html).toContain(tokenIn(mail));
  expect((await confirm(scene.db, hashToken(tokenIn(mail)))).state).toBe('live');
});

test('the row, the attempt and the account tell the same story after a send', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { accountId, messageId } = await register(scene.db, 'reader@example.org');
  await scene.start();
  await scene.ring(messageId);
  const row = await scene.settled(messageId);

  expect(row.lease_until).toBeNull();
  expect(await scene.attempts(messageId)).toMatchObject([
    { number: row.attempt, provider: 'smtp', result: 'accepted', reply: expect.stringContaining('queued') },
  ]);
  const account = await scene.db
    .selectFrom('accounts')
    .selectAll()
    .where('id', '=', accountId)
    .executeTakeFirstOrThrow();
  expect(account).toMatchObject({ verification_email_status: 'SENT', verification_message_seq: row.seq });
  const verification = await scene.db
    .selectFrom('verifications')
    .selectAll()
    .where('message_id', '=', messageId)
    .executeTakeFirstOrThrow();
  expect(verification.token_hash).toEqual(hashToken(tokenIn(inbox.mails[0])));
  expect(verification.nonce, 'nothing is left to derive the token from').toBeNull();
  expect(verification.expires_at.getTime() - (row.sent_at?.getTime() ?? 0)).toBe(86_400_000);
});

test('no log line of a delivery holds the address, the token or the link', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId } = await register(scene.db, 'private-reader@example.org');
  await scene.start();
  await scene.ring(messageId);
  await scene.settled(messageId);

  const told = JSON.stringify(scene.lines);
  expect(told).toContain(messageId);
  expect(told).not.toContain('private-reader');
  expect(told).not.toContain(tokenIn(inbox.mails[0]));
});

test.each([
  [
    'of the request',
    { redirectUrl: 'https://app.example.com/confirm?step=2', accountRedirectUrl: 'https://old.example.com/' },
  ],
  [
    'of the account, when the request named none',
    { accountRedirectUrl: 'https://app.example.com/confirm?step=2' },
  ],
])('the link leads to the redirect URL %s, with the token beside its own parameters', async (_, choices) => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId } = await register(scene.db, 'reader@example.org', choices);
  await scene.start({ REDIRECT_ORIGINS: 'https://app.example.com' });
  await scene.ring(messageId);
  await scene.settled(messageId);
  const link = linkIn(inbox.mails[0]);
  link.searchParams.delete('token');
  expect(link.href).toBe('https://app.example.com/confirm?step=2');
});

test.each([
  [
    'of the request',
    { redirectUrl: 'https://left.example.com/confirm' },
    'https://verify.example.com/v1/verify-email',
  ],
  [
    'of the account',
    { accountRedirectUrl: 'https://left.example.com/confirm' },
    'https://verify.example.com/v1/verify-email',
  ],
  [
    'of the request only',
    {
      redirectUrl: 'https://left.example.com/confirm',
      accountRedirectUrl: 'https://app.example.com/confirm',
    },
    'https://app.example.com/confirm',
  ],
])('a redirect URL %s whose origin left the list receives no token', async (_, choices, expected) => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId } = await register(scene.db, 'reader@example.org', choices);
  await scene.start({ REDIRECT_ORIGINS: 'https://app.example.com' });
  await scene.ring(messageId);
  await scene.settled(messageId);
  const link = linkIn(inbox.mails[0]);
  expect(`${link.origin}${link.pathname}`).toBe(expected);
  expect(`${inbox.mails[0]?.email.html}${inbox.mails[0]?.email.text}`).not.toContain('left.example.com');
});

test('the mail speaks the language of the request', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId } = await register(scene.db, 'reader@example.org', { locale: 'es-MX' });
  await scene.start();
  await scene.ring(messageId);
  await scene.settled(messageId);
  expect(inbox.header(0, 'content-language') ?? inbox.mails[0]?.email.html).toMatch(/lang="es|^es/);
});

test('messages in hand at once never swap recipients, links or Message-IDs', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const ids = await registerMany(scene.db, 60);
  await scene.start();
  await scene.ring(...ids);
  for (const id of ids) await scene.settled(id);

  expect(inbox.mails).toHaveLength(60);
  for (const mail of inbox.mails) {
    const facts = await scene.db
      .selectFrom('verifications')
      .innerJoin('accounts', 'accounts.id', 'verifications.account_id')
      .select(['accounts.email', 'verifications.message_id'])
      .where('token_hash', '=', hashToken(tokenIn(mail)))
      .executeTakeFirstOrThrow();
    expect(mail.recipients).toEqual([facts.email]);
    expect(mail.email.messageId).toBe(`<${facts.message_id}@mail.example.com>`);
  }
});

test('a resend after the first mail was sent ends the first link and carries one that works', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId: first } = await register(scene.db, 'reader@example.org');
  await scene.start();
  await scene.ring(first);
  await scene.settled(first);
  const second = await resend(scene.db, 'reader@example.org');
  expect((await confirm(scene.db, hashToken(tokenIn(inbox.mails[0])))).state).toBe('superseded');
  await scene.ring(second);
  await scene.settled(second);
  expect((await confirm(scene.db, hashToken(tokenIn(inbox.mails[1])))).state).toBe('live');
});
