import { createTransport } from 'nodemailer';

// A process of its own: hands mails of the same kind to the sink with nodemailer's pool alone, with
// no queue, no rows and no rendering. This is what the worker's loop is measured against.

interface Order {
  readonly count: number;
  readonly smtpUrl: string;
  readonly connections: number;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const send = async ({ count, smtpUrl, connections, ...parts }: Order): Promise<void> => {
  const { hostname, port } = new URL(smtpUrl);
  const pool = createTransport({
    host: hostname,
    port: Number(port),
    ignoreTLS: true,
    pool: true,
    maxConnections: connections,
    maxMessages: Infinity,
  });
  const one = (index: number): Promise<unknown> =>
    pool.sendMail({
      ...parts,
      from: 'Reconfirm <no-reply@mail.example.com>',
      to: `reader-${index}@example.org`,
      messageId: `<raw-${index}@mail.example.com>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
  await Promise.all(Array.from({ length: count }, (_, index) => one(index)));
  pool.close();
};

const answer = async (order: Order): Promise<void> => {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  await send(order);
  const { user, system } = process.cpuUsage(before);
  process.send?.({ tookMs: performance.now() - startedMs, cpuMs: (user + system) / 1000 });
};

process.on('message', (order: Order) => void answer(order));
process.on('disconnect', () => process.exit());
