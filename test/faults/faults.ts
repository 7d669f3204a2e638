import type { Command, Fault, Response, Wire } from '../../lab/proxies/fault-proxy.ts';

/** How a run ends that meets the fault: with an error code, or with success because the engine asks again. */
export type FaultCase = {
  readonly what: string;
  /** Creates the fault for one run, because some faults happen only once. */
  readonly fault: () => Fault;
  readonly ends: string;
  /** Succeeds although some data could not be read: no row is wrong, and the rest is stored after the fault. */
  readonly partly?: true;
};

type Which = (command: Command) => boolean;

const named =
  (...names: string[]): Which =>
  ({ name }) =>
    names.includes(name);
const asking =
  (item: string): Which =>
  ({ name, line }) =>
    name === 'UID FETCH' && line.includes(item);

const LOGIN = named('LOGIN', 'AUTHENTICATE');
const LIST = named('LIST');
const SELECT = named('SELECT');
const SEARCH = named('UID SEARCH');
/** What each kind of FETCH asks for, and no other kind. */
const METADATA = asking('INTERNALDATE');
const BODIES = asking('BODY.PEEK[]');
const FLAGS: Which = ({ name, line }) => name === 'UID FETCH' && line.includes('(UID FLAGS');

/** Answers these commands in place of the server. */
const refuse = (which: Which, answer: string): (() => Fault) => {
  return () => ({
    command: (command, wire) => {
      if (!which(command)) return undefined;
      if (!answer.startsWith('*')) return `${command.tag} ${answer}`;
      wire.send(`${answer}\r\n`);
      wire.cut();
      return '';
    },
  });
};

const unanswered = (which: Which): (() => Fault) => {
  return () => ({
    command(command, wire) {
      if (!which(command)) return undefined;
      wire.hang();
      return '';
    },
  });
};

/** Applies a fault to the third row of these answers. */
const atRow = (
  which: Which,
  act: (response: Response, wire: Wire) => string | Buffer | undefined,
  row = 3,
): (() => Fault) => {
  return () => ({
    response: (response, wire) =>
      response.command && which(response.command) && response.row === row ? act(response, wire) : undefined,
  });
};

/** Changes every row of these answers. */
const rows = (which: Which, change: (response: Response) => string | Buffer | undefined): (() => Fault) => {
  return () => ({
    response: (response) =>
      response.command && which(response.command) && response.row > 0 ? change(response) : undefined,
  });
};

const ended = (wire: Wire) => {
  wire.end();
  return '';
};
const cut = (_: Response, wire: Wire) => {
  wire.cut();
  return '';
};
const hang = (_: Response, wire: Wire) => {
  wire.hang();
  return '';
};
const halfThen = (end: 'cut' | 'hang') => (response: Response, wire: Wire) => {
  wire.send(response.bytes.subarray(0, response.bytes.length / 2));
  wire[end]();
  return '';
};

/** Changes the length before the row's literal, so that it differs from the number of bytes. */
const announcing =
  (length: (real: number) => number) =>
  ({ bytes }: Response) =>
    Buffer.from(
      bytes.toString('latin1').replace(/\{(\d+)\}/, (_, real) => `{${length(Number(real))}}`),
      'latin1',
    );

/** A row whose literal is truncated, but which is otherwise well formed. */
const shortened = ({ bytes }: Response) => {
  const [whole = '', before = '', length] = /^(.*)\{(\d+)\}\r\n/.exec(bytes.toString('latin1')) ?? [];
  const body = bytes.subarray(whole.length, whole.length + Number(length));
  const kept = body.subarray(0, body.length - 50);
  return Buffer.concat([
    Buffer.from(`${before}{${kept.length}}\r\n`),
    kept,
    bytes.subarray(whole.length + body.length),
  ]);
};

/** `UID FETCH` of more than one message. A message that is omitted here is served when it is fetched alone. */
const severalUids = ({ line }: Command) => /UID FETCH \d+[:,]/.test(line);

const SEARCH_ROW = /^\* SEARCH /;
const withoutLast = ({ line }: Response) => `${line.replace(/ \d+$/, '')}\r\n`;

/** Omits matching lines, in the first answer only or in all. */
const short = (which: Which, lines: RegExp, change: (response: Response) => string, times: number): (() => Fault) => {
  return () => {
    let left = times;
    let tag = '';
    return {
      response(response) {
        const { command, line } = response;
        if (!command || !which(command) || !lines.test(line)) return undefined;
        if (command.tag !== tag && left-- <= 0) return undefined;
        tag = command.tag;
        return change(response);
      },
    };
  };
};

export const CONNECTION_FAULTS: readonly FaultCase[] = [
  { what: 'nobody answers', fault: () => ({ connected: (wire) => wire.hang() }), ends: 'IMAP_NO_GREETING' },
  {
    what: 'closed while greeting',
    fault: () => ({ response: ({ command }, wire) => (command ? undefined : ended(wire)) }),
    ends: 'IMAP_CONNECTION_LOST',
  },
  {
    what: 'turned away',
    fault: () => ({
      response: ({ command }) => (command ? undefined : '* BYE [UNAVAILABLE] too many connections\r\n'),
    }),
    ends: 'IMAP_TURNED_AWAY',
  },
  {
    what: 'LOGIN is not answered',
    fault: unanswered(LOGIN),
    ends: 'IMAP_TIMEOUT',
  },
  { what: 'LOGIN NO [UNAVAILABLE]', fault: refuse(LOGIN, 'NO [UNAVAILABLE] later'), ends: 'IMAP_AUTH_UNAVAILABLE' },
  {
    what: 'LOGIN NO [AUTHENTICATIONFAILED]',
    fault: refuse(LOGIN, 'NO [AUTHENTICATIONFAILED] no'),
    ends: 'IMAP_AUTH_FAILED',
  },
  { what: 'LOGIN BYE', fault: refuse(LOGIN, '* BYE [UNAVAILABLE] going down'), ends: 'IMAP_TURNED_AWAY' },
];

export const COMMAND_FAULTS: readonly FaultCase[] = [
  { what: 'LIST NO', fault: refuse(LIST, 'NO [UNAVAILABLE] later'), ends: 'IMAP_SERVER_REFUSED' },
  { what: 'STATUS NO', fault: refuse(named('STATUS'), 'NO [UNAVAILABLE] later'), ends: 'SUCCEEDED' },
  { what: 'SELECT NO', fault: refuse(SELECT, 'NO [UNAVAILABLE] later'), ends: 'IMAP_SERVER_REFUSED' },
  { what: 'SELECT NO [OVERQUOTA]', fault: refuse(SELECT, 'NO [OVERQUOTA] bandwidth'), ends: 'IMAP_QUOTA_EXCEEDED' },
  { what: 'SELECT BYE', fault: refuse(SELECT, '* BYE [UNAVAILABLE] going down'), ends: 'IMAP_CONNECTION_LOST' },
  { what: 'SEARCH NO', fault: refuse(SEARCH, 'NO [UNAVAILABLE] later'), ends: 'IMAP_SERVER_REFUSED' },
  { what: 'SEARCH BAD', fault: refuse(SEARCH, 'BAD what'), ends: 'IMAP_SERVER_REFUSED' },
  { what: 'FETCH of metadata BAD', fault: refuse(METADATA, 'BAD what'), ends: 'IMAP_SERVER_REFUSED' },
  {
    what: 'FETCH of metadata NO [THROTTLED]',
    fault: refuse(METADATA, 'NO [THROTTLED] slowly'),
    ends: 'IMAP_THROTTLED',
  },
  { what: 'FETCH of flags NO', fault: refuse(FLAGS, 'NO [UNAVAILABLE] later'), ends: 'IMAP_SERVER_REFUSED' },
  {
    what: 'FETCH of bodies NO [OVERQUOTA]',
    fault: refuse(BODIES, 'NO [OVERQUOTA] bandwidth'),
    ends: 'IMAP_QUOTA_EXCEEDED',
  },
  {
    what: 'FETCH of bodies BYE, once',
    fault: () => {
      const always = refuse(BODIES, '* BYE Session expired')();
      let said = false;
      return {
        command(received, wire) {
          const answer = said ? undefined : always.command?.(received, wire);
          said ||= answer !== undefined;
          return answer;
        },
      };
    },
    ends: 'SUCCEEDED',
  },
  { what: 'cut instead of an answer to SELECT', fault: refuse(SELECT, '*'), ends: 'IMAP_CONNECTION_LOST' },
  { what: 'cut between rows of metadata', fault: atRow(METADATA, cut), ends: 'SUCCEEDED' },
  { what: 'cut between bodies', fault: atRow(BODIES, cut), ends: 'SUCCEEDED' },
  { what: 'cut inside a literal', fault: atRow(BODIES, halfThen('cut')), ends: 'SUCCEEDED' },
  {
    what: 'silence instead of an answer to SEARCH',
    fault: unanswered(SEARCH),
    ends: 'IMAP_TIMEOUT',
  },
  { what: 'silence between rows of metadata', fault: atRow(METADATA, hang), ends: 'SUCCEEDED' },
  { what: 'silence between bodies', fault: atRow(BODIES, hang), ends: 'SUCCEEDED' },
  { what: 'silence inside a literal', fault: atRow(BODIES, halfThen('hang')), ends: 'SUCCEEDED' },
];

export const ROW_FAULTS: readonly FaultCase[] = [
  { what: 'a row of garbage', fault: atRow(BODIES, () => '\x80\xff\x00* ((((\r\n'), ends: 'SUCCEEDED' },
  {
    what: 'a row that no parser reads',
    fault: atRow(METADATA, () => '* 3 FETCH (UID 3 FLAGS ((\\Seen) "\r\n'),
    ends: 'SUCCEEDED',
  },
  {
    what: 'a literal announced longer than it is',
    fault: rows(
      BODIES,
      announcing((length) => length + 10_000_000),
    ),
    ends: 'IMAP_TIMEOUT',
  },
  {
    what: 'a literal announced shorter than it is',
    fault: atRow(
      BODIES,
      announcing((length) => length - 50),
    ),
    ends: 'SUCCEEDED',
  },
  {
    what: 'a literal announced far too long',
    fault: atRow(
      BODIES,
      announcing(() => 99_999_999_999),
    ),
    ends: 'SUCCEEDED',
  },
  { what: 'a literal without its end', fault: atRow(BODIES, shortened), ends: 'SUCCEEDED' },
  { what: 'rows of metadata left out', fault: atRow(METADATA, () => ''), ends: 'SUCCEEDED' },
  {
    what: 'bodies left out when several are asked for',
    fault: rows(BODIES, ({ command, row }) => (severalUids(command!) && row % 2 ? '' : undefined)),
    ends: 'SUCCEEDED',
  },
  {
    what: 'no body at all when several are asked for',
    fault: rows(BODIES, ({ command }) => (severalUids(command!) ? '' : undefined)),
    ends: 'SUCCEEDED',
  },
  {
    what: 'every row twice',
    fault: rows(
      () => true,
      ({ bytes }) => Buffer.concat([bytes, bytes]),
    ),
    ends: 'SUCCEEDED',
  },
  {
    what: 'rows split in two',
    fault: rows(METADATA, ({ line }) => {
      const [, start, uid, flags] = /^(\* \d+ FETCH \()(UID \d+)(?:.*?)(FLAGS \(.*?\))/.exec(line)!;
      return `${start}${uid} ${flags})\r\n${line.replace(flags!, '').replace(/ +/g, ' ').replace('( ', '(').replace(' )', ')')}\r\n`;
    }),
    ends: 'SUCCEEDED',
  },
  {
    what: 'rows that nobody asked for',
    fault: rows(BODIES, ({ bytes }) =>
      Buffer.concat([
        Buffer.from('* OK still here\r\n* 1 FETCH (FLAGS (\\Draft))\r\n* 2 FETCH (UID 2 FLAGS ())\r\n'),
        bytes,
      ]),
    ),
    ends: 'SUCCEEDED',
  },
  { what: 'LIST short once', fault: short(LIST, /Archive/, () => '', 1), ends: 'SUCCEEDED' },
  { what: 'LIST short always', fault: short(LIST, /Archive/, () => '', 9), ends: 'SUCCEEDED', partly: true },
  {
    what: 'SEARCH short always',
    fault: short(SEARCH, SEARCH_ROW, withoutLast, 99),
    ends: 'SUCCEEDED',
    partly: true,
  },
  { what: 'SEARCH short once', fault: short(SEARCH, SEARCH_ROW, withoutLast, 1), ends: 'SUCCEEDED' },
];
