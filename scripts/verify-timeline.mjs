// Verifies an exported timeline (docs/timeline.md) with nothing but this file and Node.js: no packages, no database.
//
//   node scripts/verify-timeline.mjs FILE [HEAD]     or, from standard input, with "-" for FILE
//
// HEAD is a hash noted earlier: the chain must contain it, which also detects an end that was cut off. Exits with 0 and
// prints the length and the last hash, or with 1 and the first event that was changed.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** RFC 8785: members sorted by name, no white space. Node writes strings and numbers as the RFC requires. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${members.join(',')}}`;
}

function parse(line) {
  try {
    const event = JSON.parse(line);
    return event !== null && typeof event === 'object' ? event : null;
  } catch {
    return null;
  }
}

/** Returns what is wrong with a line that should be event number `seq` of `account` after the hash `last`, or null. */
function fault(line, seq, account, last) {
  const event = parse(line);
  if (event?.seq === undefined) return 'it is no event';
  const { hash, ...fields } = event;
  if (fields.accountId !== account) return "it is another account's";
  if (fields.seq !== `${seq}`) return `an event is missing, added or moved: here is number ${fields.seq}`;
  if (fields.prevHash !== last) return 'it does not follow the event before it';
  if (hash !== sha256(`mailtide-event-v1\n${canonical(fields)}`)) return 'it was changed';
  // A duplicate member: JSON.parse takes the last one, another reader of the file may take the first. The order of
  // members is free, which leaves the length unchanged.
  if (line.length !== canonical(event).length) return 'its line holds more than the event';
  return null;
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

const [file, head] = process.argv.slice(2);
if (!file) fail('Usage: node scripts/verify-timeline.mjs FILE [HEAD]');

let seq = 0n;
let account;
let last;
let sawHead = false;
const input = file === '-' ? process.stdin : createReadStream(file);
input.on('error', ({ message }) => fail(message));
for await (const line of createInterface({ input, crlfDelay: Infinity })) {
  if (account === undefined) {
    account = parse(line)?.accountId;
    last = sha256(`mailtide-timeline-v1\n${account}`);
  }
  seq += 1n;
  const wrong = fault(line, seq, account, last);
  if (wrong) fail(`Broken at ${seq}: ${wrong}.`);
  last = JSON.parse(line).hash;
  sawHead ||= last === head;
}
// Not the result of a failed download: an account's first event is that it was connected.
if (seq === 0n) fail('There is no event in it.');
if (head && !sawHead) fail(`Broken at ${seq + 1n}: the chain ends before the hash ${head}.`);
console.log(`${seq} events are intact; the last hash is ${last}.`);
