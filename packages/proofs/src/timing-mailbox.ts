import { createServer, type AddressInfo, type Socket } from 'node:net';

// A process of its own, so that taking mail disturbs no measurement: an SMTP server that takes everything and
// keeps nothing, or, with the argument `stall`, answers nothing any more once a mail has been handed over.

const stalls = process.argv.includes('stall');

const serve = (socket: Socket): void => {
  let text = '';
  let isInMail = false;
  const answer = (line: string): void => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO') socket.write('250-mailbox\r\n250 8BITMIME\r\n');
    else if (verb === 'QUIT') socket.end('221 bye\r\n');
    else if (verb === 'DATA') {
      isInMail = true;
      socket.write('354 go on\r\n');
    } else socket.write('250 ok\r\n');
  };
  socket.setEncoding('latin1').on('error', () => {});
  socket.on('data', (chunk: string) => {
    text += chunk;
    for (;;) {
      const mark = isInMail ? '\r\n.\r\n' : '\r\n';
      const end = text.indexOf(mark);
      if (end === -1) return;
      const said = text.slice(0, end);
      text = text.slice(end + mark.length);
      if (!isInMail) answer(said);
      else {
        isInMail = false;
        if (!stalls) socket.write('250 taken\r\n');
      }
    }
  });
  socket.write('220 mailbox\r\n');
};

const server = createServer({ noDelay: true }, serve);
server.listen(0, '127.0.0.1', () => {
  console.log(`mailbox ready ${(server.address() as AddressInfo).port}`);
});
