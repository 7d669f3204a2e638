/** One scrape, in Prometheus' text format 0.0.4. */
export type Scrape = {
  readonly types: ReadonlyMap<string, string>;
  /**
   * The value of a series, e.g. `value('mailtide_runs', { status: 'QUEUED' })`. Sums over omitted labels; 0 if there is
   * none.
   */
  value(name: string, labels?: Record<string, string>): number;
  /** The values of a label in the series of a metric. */
  labels(name: string, label: string): string[];
};

type Sample = { name: string; labels: Record<string, string>; value: number };

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/gy;
const ESCAPES: Record<string, string> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' };

/** @throws on anything that Prometheus would reject: an unknown line, a sample without a type, a duplicate series. */
export function parseExposition(text: string): Scrape {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue;
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line);
    if (type) {
      if (types.has(type[1]!)) throw new Error(`a second type: ${line}`);
      types.set(type[1]!, type[2]!);
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (!sample) throw new Error(`not a line of the format: ${line}`);
    const [, name, labelText = '', number] = sample;
    const family = types.has(name!) ? name! : name!.replace(/_(bucket|sum|count)$/, '');
    if (!types.has(family)) throw new Error(`a sample without its type: ${line}`);
    const value = Number(number!.replace('Inf', 'Infinity'));
    if (Number.isNaN(value) && number !== 'NaN' && number !== 'Nan') throw new Error(`no number: ${line}`);
    const labels = labelsOf(labelText, line);
    const key = JSON.stringify([
      name,
      Object.keys(labels)
        .toSorted()
        .map((label) => [label, labels[label]]),
    ]);
    if (seen.has(key)) throw new Error(`a series comes twice: ${line}`);
    seen.add(key);
    samples.push({ name: name!, labels, value });
  }
  const of = (name: string) => samples.filter((sample) => sample.name === name);
  return {
    types,
    value: (name, labels = {}) =>
      of(name)
        .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
        .reduce((sum, { value }) => sum + value, 0),
    labels: (name, label) => [...new Set(of(name).flatMap((sample) => sample.labels[label] ?? []))].toSorted(),
  };
}

function labelsOf(text: string, line: string): Record<string, string> {
  const found = [...text.matchAll(LABEL)];
  if (found.map(([whole]) => whole).join('') !== text) throw new Error(`labels of another form: ${line}`);
  return Object.fromEntries(
    found.map(([, label, value]) => [label!, value!.replace(/\\[n"\\]/g, (two) => ESCAPES[two]!)]),
  );
}

/** What a service answers at /metrics. */
export async function scrape({ url }: { url: string }, headers: Record<string, string> = {}): Promise<Scrape> {
  const answer = await fetch(`${url}/metrics`, { headers });
  if (!answer.ok) throw new Error(`/metrics: ${answer.status} ${await answer.text()}`);
  return parseExposition(await answer.text());
}
