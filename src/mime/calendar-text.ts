/** Longest calendar that is read, in characters. */
const MAX_CALENDAR = 200_000;
/** Properties for people (RFC 5545, 3.8), in the order in which they are shown. */
const SHOWN = new Map([
  ['SUMMARY', ''],
  ['DTSTART', 'Start: '],
  ['DTEND', 'End: '],
  ['LOCATION', 'Location: '],
  ['ORGANIZER', 'Organiser: '],
  ['ATTENDEE', 'Attendee: '],
  ['COMMENT', ''],
  ['DESCRIPTION', ''],
]);
/** Most lines of events, tasks and attendees; further ones are left out. */
const MAX_LINES = 500;

/** Returns an invitation as text: each event's title, times, location, people and description. */
export function calendarText(calendar: string): string {
  const unfolded = calendar.slice(0, MAX_CALENDAR).replace(/\r?\n[ \t]/g, '');
  const lines: string[] = [];
  let entry: { name: string; line: string }[] = [];
  let isTimeZone = false;
  for (const written of unfolded.split(/\r?\n/)) {
    const [, name = '', parameters = '', value = ''] = PROPERTY.exec(written) ?? [];
    const key = name.toUpperCase();
    if (/^(?:BEGIN|END)$/.test(key) && value.trim().toUpperCase() === 'VTIMEZONE') isTimeZone = key === 'BEGIN';
    if (key === 'END' && entry.length > 0) {
      const order = [...SHOWN.keys()];
      lines.push(...entry.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name)).map(({ line }) => line), '');
      entry = [];
    }
    const label = isTimeZone ? undefined : SHOWN.get(key);
    if (label !== undefined && value.trim() !== '' && lines.length + entry.length < MAX_LINES) {
      entry.push({ name: key, line: label + readable(key, parameters, value) });
    }
  }
  return lines.join('\n').trim();
}

/** `NAME;PARAMETER="a:b":value`. */
const PROPERTY = /^([\w-]+)(?=[;:])((?:"[^"]*"|[^":])*):(.*)$/;

function readable(name: string, parameters: string, value: string): string {
  if (name.startsWith('DT')) return timeOf(value.trim(), parameters);
  if (name === 'ORGANIZER' || name === 'ATTENDEE') {
    const address = value.replace(/^mailto:/i, '');
    const known = /;CN=(?:"([^"]*)"|([^;:,"]*))/i.exec(parameters);
    const called = known?.[1] ?? known?.[2];
    return called && called !== address ? `${called} <${address}>` : address;
  }
  return value.replace(/\\([nN,;\\])/g, (_, sign: string) => (sign.toLowerCase() === 'n' ? '\n' : sign)).trim();
}

/** Formats `20260310T090000Z` as `2026-03-10 09:00 UTC`, with the time zone that it names. */
function timeOf(value: string, parameters: string): string {
  const time = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z)?)?$/.exec(value);
  if (!time) return value;
  const [, year, month, day, hour, minute, utc] = time;
  const zone = utc ? 'UTC' : (/;TZID="?([^";:]+)/i.exec(parameters)?.[1] ?? '');
  return [`${year}-${month}-${day}`, hour && `${hour}:${minute}`, zone].filter(Boolean).join(' ');
}
