import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import ipaddr from 'ipaddr.js';

const TYPES = { A: 1, MX: 15, AAAA: 28, SRV: 33 } as const;
type RecordType = keyof typeof TYPES;

/** The data of a record: its 16-bit numbers, then a name; for A and AAAA the address alone. */
export type DnsRecord = readonly [...numbers: number[], name: string];

export interface DnsServer extends AsyncDisposable {
  /** `address:port`, the format of resolvers. */
  readonly address: string;
  /** The questions so far, e.g. `SRV _imaps._tcp.example.com`. */
  readonly asked: string[];
}

/** Sends nothing. */
export const SILENT = 'SILENT';
/** Sends something that is not an answer. */
export const BROKEN = 'BROKEN';

const NO_SUCH_NAME = 3;

/** A name server on loopback (RFC 1035, over UDP) that knows only these records, by `TYPE name`. */
export async function startDnsServer(
  records: Readonly<Record<`${RecordType} ${string}`, readonly DnsRecord[] | typeof SILENT | typeof BROKEN>>,
): Promise<DnsServer> {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const { name, type, question } = readQuestion(query);
    const key = `${type} ${name}` as keyof typeof records;
    asked.push(key);
    const found = records[key];
    if (found === SILENT) return;
    const answer = found === BROKEN ? query.subarray(0, 5) : writeAnswer(query, question, type, found);
    socket.send(answer, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => socket.close(resolve));
    },
  };
}

const HEADER_BYTES = 12;

function readQuestion(query: Buffer): { name: string; type: RecordType; question: Buffer } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const code = query.readUInt16BE(at + 1);
  const type = (Object.keys(TYPES) as RecordType[]).find((one) => TYPES[one] === code);
  if (!type) throw new Error(`Asked for records of type ${code}`);
  // Resolvers may write a name in any case.
  return { name: labels.join('.').toLowerCase(), type, question: query.subarray(HEADER_BYTES, at + 5) };
}

function writeAnswer(query: Buffer, question: Buffer, type: RecordType, found?: readonly DnsRecord[]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  // An answer to a recursive query, from a server that supports recursion.
  header.writeUInt16BE(0x8180 | (found ? 0 : NO_SUCH_NAME), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(found?.length ?? 0, 6);
  return Buffer.concat([header, question, ...(found ?? []).map((record) => writeRecord(type, record))]);
}

/** For the name in the question (a pointer to it), in the class IN, for a minute. */
function writeRecord(type: RecordType, record: DnsRecord): Buffer {
  const numbers = record.slice(0, -1).map((number) => uint16(number as number));
  const last = record.at(-1) as string;
  const isAddress = type === 'A' || type === 'AAAA';
  const data = Buffer.concat([...numbers, isAddress ? Buffer.from(ipaddr.parse(last).toByteArray()) : writeName(last)]);
  return Buffer.concat([
    uint16(0xc00c),
    uint16(TYPES[type]),
    uint16(1),
    uint16(0),
    uint16(60),
    uint16(data.length),
    data,
  ]);
}

function writeName(name: string): Buffer {
  const labels = name.split('.').filter(Boolean);
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]),
    Buffer.alloc(1),
  ]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
