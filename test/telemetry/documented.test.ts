import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseExposition, type Scrape } from '../../lab/service/prometheus-text.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';

const DOCS = join(import.meta.dirname, '../../docs');
const page = readFileSync(join(DOCS, 'metrics.md'), 'utf8');
const dashboard = JSON.parse(readFileSync(join(DOCS, 'grafana/mailtide.json'), 'utf8')) as Dashboard;

type Dashboard = {
  panels: { title: string; targets?: { expr: string }[] }[];
  templating: { list: { query: string }[] };
};

/** | `name` | type | `label`, `label` | of what | help | */
const ROW = /^\| `(mailtide_\w+)` \| (\w+) \|([^|]*)\| (process|installation) \| ([^|]+) \|$/gm;
const NAME = /\b(?:mailtide|nodejs|process)_\w+/g;

const pool = new pg.Pool({ port: 1 });
let metrics: Metrics;
let scrape: Scrape;

beforeAll(async () => {
  metrics = createMetrics({ pool, log: pino({ level: 'silent' }), namesHosts: true });
  scrape = parseExposition((await metrics.exposition()).text);
});

afterAll(() => pool.end());

/** What a query may name: a metric, or one of the series that a histogram has. */
const exists = (name: string): boolean =>
  scrape.types.has(name) || scrape.types.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram';

test('docs/metrics.md lists exactly our metrics, with type, labels and text', () => {
  const documented = [...page.matchAll(ROW)].map(([, name, type, labels, , help]) => {
    const names = [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label);
    return [name, { type, labels: names, help }] as const;
  });
  const own = metrics.registry.getMetricsAsArray().filter(({ name }) => name.startsWith('mailtide_'));
  const there = own.map((metric) => {
    const { name, help, labelNames: labels } = metric as typeof metric & { labelNames: string[] };
    return [name, { type: scrape.types.get(name), labels, help }] as const;
  });
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(there));
});

test('every metric in docs/metrics.md and on the dashboard exists', () => {
  const queries = [
    ...dashboard.panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr)),
    ...dashboard.templating.list.map(({ query }) => query),
  ];
  expect(queries.length).toBeGreaterThan(15);
  for (const text of [page, ...queries]) {
    for (const [name] of text.matchAll(NAME)) expect(exists(name), `${name} in ${text.slice(0, 100)}`).toBe(true);
  }
  for (const { title, targets } of dashboard.panels) {
    for (const { expr } of targets ?? []) expect(expr, title).toMatch(NAME);
  }
});

test('the dashboard shows every metric of ours', () => {
  const shown = dashboard.panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr)).join('\n');
  for (const { name } of metrics.registry.getMetricsAsArray()) {
    if (name.startsWith('mailtide_')) expect(shown, name).toMatch(new RegExp(`\\b${name}(_bucket|_sum|_count)?\\b`));
  }
});
