import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { type Answer, decode, encode, type Packet } from 'dns-packet';

/** Records of one name. `silent`: questions about it are not answered. `fails`: they are with SERVFAIL. */
export interface ZoneEntry {
  readonly TXT?: readonly string[];
  /** `10 mx.example.com`; `0 .` is a null MX. */
  readonly MX?: readonly string[];
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  readonly CNAME?: string;
  readonly silent?: boolean;
  readonly fails?: boolean;
  /** As `fails`, for questions of this type. */
  readonly failsFor?: string;
}

export type Zone = Readonly<Record<string, ZoneEntry>>;

export interface ZoneServer extends AsyncDisposable {
  /** `127.0.0.1:port`, as a resolver takes it. */
  readonly address: string;
  /** `TXT example.com`, in the order of the questions. */
  readonly questions: readonly string[];
  /** Most questions that were open at once, seen from here. */
  readonly mostAtOnce: () => number;
}

const nameError = 3;
const serverFailure = 2;

/** A real name server on UDP for the zones of a test: it knows the table, and that everything else does not exist. */
export const startZoneServer = async (zone: Zone, delayMs = 0): Promise<ZoneServer> => {
  const socket = createSocket('udp4');
  const questions: string[] = [];
  let [open, most] = [0, 0];
  socket.on('message', (bytes, from) => {
    const query = decode(bytes);
    const [question] = query.questions ?? [];
    if (question === undefined) return;
    const name = question.name.toLowerCase();
    questions.push(`${question.type} ${name}`);
    if (zone[name]?.silent === true) return;
    open += 1;
    most = Math.max(most, open);
    setTimeout(() => {
      open -= 1;
      answer(query, name, question.type, from);
    }, delayMs);
  });
  const answer = (query: Packet, name: string, type: string, from: RemoteInfo): void => {
    const entry = zone[name];
    const code =
      entry === undefined ? nameError : entry.fails === true || entry.failsFor === type ? serverFailure : 0;
    const reply = encode({
      type: 'response',
      id: query.id ?? 0,
      // Recursion desired and available; the code of the answer is in the lowest bits.
      flags: 0x0180 | code,
      questions: query.questions ?? [],
      answers: answersOf(zone, name, type),
    });
    socket.send(reply, from.port, from.address, () => {});
  };
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions,
    mostAtOnce: () => most,
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
};

const answersOf = (zone: Zone, name: string, type: string): Answer[] => {
  const entry = zone[name];
  if (entry === undefined) return [];
  const { CNAME } = entry;
  if (CNAME !== undefined) return [{ name, type: 'CNAME', data: CNAME }, ...answersOf(zone, CNAME, type)];
  switch (type) {
    case 'TXT':
      // In strings of 255 octets at most, as every long record is (RFC 1035, 3.3.14).
      return (entry.TXT ?? []).map((text) => ({
        name,
        type: 'TXT',
        data: text.match(/[\s\S]{1,255}/g) ?? [''],
      }));
    case 'MX':
      return (entry.MX ?? []).map((text) => {
        const [preference, exchange = '.'] = text.split(' ');
        return { name, type: 'MX', data: { preference: Number(preference), exchange } };
      });
    case 'A':
      return (entry.A ?? []).map((data) => ({ name, type: 'A', data }));
    case 'AAAA':
      return (entry.AAAA ?? []).map((data) => ({ name, type: 'AAAA', data }));
    default:
      return [];
  }
};
