import { createServer, type AddressInfo, type Socket } from 'node:net';

// A process of its own: takes mail over SMTP as fast as it can and keeps nothing but the count. It
// tells its parent its port, and each time as many messages have come as the parent asked for.

let received = 0;
let wanted = Infinity;

const serve = (socket: Socket): void => {
  let text = '';
  let inMessage = false;
  const answerLine = (line: string): void => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO') socket.write('250-sink\r\n250 8BITMIME\r\n');
    else if (verb === 'DATA') {
      inMessage = true;
      socket.write('354 go on\r\n');
    } else if (verb === 'QUIT') socket.end('221 bye\r\n');
    else socket.write('250 ok\r\n');
  };
  const takeMessage = (end: number): void => {
    text = text.slice(end + 5);
    inMessage = false;
    received += 1;
    socket.write('250 taken\r\n');
    if (received === wanted) process.send?.({ received });
  };
  socket.setEncoding('latin1').on('error', () => {});
  socket.on('data', (chunk: string) => {
    text += chunk;
    for (;;) {
      const end = text.indexOf(inMessage ? '\r\n.\r\n' : '\r\n');
      if (end === -1) return;
      if (inMessage) {
        takeMessage(end);
        continue;
      }
      const line = text.slice(0, end);
      text = text.slice(end + 2);
      answerLine(line);
    }
  });
  socket.write('220 sink\r\n');
};

const server = createServer({ noDelay: true }, serve);
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', (message: { readonly expect: number }) => {
  received = 0;
  wanted = message.expect;
  process.send?.({ ready: true });
});
process.on('disconnect', () => process.exit());
