import { expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { eventually } from './support/eventually.ts';
import { askOps } from './support/ops-port.ts';
import { register } from './support/requests.ts';
import { openScene } from './support/scene.ts';

test('a day’s messages stand in the metrics by provider and by large mail service, and no other domain does', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await scene.start();
  for (const email of ['ada@gmail.com', 'bob@googlemail.com', 'eve@very-private.example']) {
    const { messageId } = await register(scene.db, email);
    await scene.ring(messageId);
    await scene.settled(messageId);
  }
  // The next worker counts when it starts.
  const worker = await scene.start();
  const text = await eventually('the day is counted', async () => {
    const { body } = await askOps(worker, '/metrics');
    return body.includes('reconfirm_day_domain_messages{') ? body : undefined;
  });
  expect(text).toContain('reconfirm_day_messages{provider="smtp",purpose="signup",what="sent"} 3');
  expect(text).toContain('reconfirm_day_messages{provider="smtp",purpose="signup",what="reporting"} 0');
  expect(text).toContain('reconfirm_day_domain_messages{domain="gmail.com",what="attempted"} 2');
  expect(text).toContain('reconfirm_day_domain_messages{domain="other",what="attempted"} 1');
  expect(text).not.toContain('very-private');
  expect(JSON.stringify(await scene.db.selectFrom('messages').selectAll().execute())).not.toContain(
    'very-private',
  );
});
