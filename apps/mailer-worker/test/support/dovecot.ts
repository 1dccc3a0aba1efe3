import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type AddressInfo } from 'node:net';
import { eventually } from './eventually.ts';
import { type KeptMail, type MailboxServer, mailboxPassword } from './mailbox-server.ts';

/** Whether this machine has Dovecot (Debian: dovecot-imapd). */
export const hasDovecot = (): boolean => spawnSync('dovecot', ['--version']).status === 0;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const isOpen = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'data');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

/** Runs Dovecot for one test, on a folder and a port of its own, as whoever runs the test (or, for root, as nobody). */
export const startDovecot = async (): Promise<MailboxServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'dovecot-'));
  const port = await freePort();
  const isRoot = process.getuid?.() === 0;
  const idOf = (flag: string): string => execFileSync('id', [flag], { encoding: 'utf8' }).trim();
  const [user, group] = isRoot ? ['nobody', 'nogroup'] : [idOf('-un'), idOf('-gn')];
  const mail = join(folder, 'mail');
  for (const part of ['run', 'mail', 'mail/cur', 'mail/new', 'mail/tmp']) await mkdir(join(folder, part));
  await writeFile(join(folder, 'conf'), configuration({ folder, port, user, group }));
  const own = (path: string): void => {
    if (isRoot) execFileSync('chown', ['-R', `${user}:${group}`, path]);
  };
  own(folder);
  const master = spawn('dovecot', ['-F', '-c', join(folder, 'conf')], { stdio: 'ignore' });
  await eventually('Dovecot answers', () => isOpen(port), 20_000);
  let delivered = 0;
  return {
    port,
    deliver: async (raw, seen = false) => {
      delivered += 1;
      const name = `${Date.now()}.${delivered}.test`;
      const written = join(mail, 'tmp', name);
      await writeFile(written, raw);
      own(written);
      await rename(written, seen ? join(mail, 'cur', `${name}:2,S`) : join(mail, 'new', name));
    },
    mailsIn: async (name) => {
      const kept: KeptMail[] = [];
      for (const part of ['new', 'cur']) {
        const place = join(mail, name === 'INBOX' ? '' : `.${name}`, part);
        for (const file of await readdir(place).catch(() => []))
          kept.push({ raw: await readFile(join(place, file), 'utf8'), seen: /:2,[A-Z]*S/.test(file) });
      }
      return kept;
    },
    [Symbol.asyncDispose]: async () => {
      master.kill('SIGTERM');
      if (master.exitCode === null && master.signalCode === null) await once(master, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const configuration = (
  of: Readonly<Record<'folder' | 'user' | 'group', string>> & { port: number },
): string => `
base_dir = ${of.folder}/run
state_dir = ${of.folder}/run
log_path = ${of.folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = ${of.user}
default_internal_group = ${of.group}
default_login_user = ${of.user}
first_valid_uid = 1
mail_location = maildir:${of.folder}/mail
auth_mechanisms = plain
auth_failure_delay = 0
passdb {
  driver = static
  args = password=${mailboxPassword}
}
userdb {
  driver = static
  args = uid=${of.user} gid=${of.group} home=${of.folder}
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${of.port}
  }
  inet_listener imaps {
    port = 0
  }
}
`;
