import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { WebhookRefusal } from '../src/providers/provider.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

const read = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
const { groups } = parse(read('reconfirm.rules.yml')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);

/** The labels of every metric as docs/operations.md has them, which the tests of both apps compare with the code. */
const documented = new Map(
  [...read('operations.md').matchAll(/^\| `(reconfirm_\w+)(?:\{([\w,]+)\})?` +\|/gm)].map(
    ([, name = '', labels = '']) => [name, labels === '' ? [] : labels.split(',')],
  ),
);

/** What is wrong with an expression: a metric, or a label of one, that nobody exports. */
const strangersIn = (expr: string): string[] => {
  const selectors = [...expr.matchAll(/(reconfirm_\w+?)(?:_count|_sum|_bucket)?\b(?:\{([^}]*)\})?/g)];
  const known = selectors.map(([, name = '']) => name).filter((name) => documented.has(name));
  const labels = known.flatMap((name) => documented.get(name) ?? []);
  const matched = selectors.flatMap(([, name = '', inside = '']) => {
    if (!documented.has(name)) return [name];
    const used = [...inside.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label);
    return used.filter((label) => !documented.get(name)?.includes(label)).map((label) => `${name}{${label}}`);
  });
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)]
    .flatMap(([, list = '']) => list.split(',').map((label) => label.trim()))
    .filter((label) => !labels.includes(label));
  return [...matched, ...grouped.map((label) => `by (${label})`)];
};

test('every rule is of metrics and labels that exist', () => {
  expect(rules.length).toBeGreaterThan(15);
  expect(documented.size).toBeGreaterThan(20);
  for (const { alert, expr } of rules) {
    expect(expr, alert).toMatch(/reconfirm_/);
    expect([alert, strangersIn(expr)]).toEqual([alert, []]);
  }
});

test('a metric, a label or a group that nobody exports would be found', () => {
  expect(strangersIn('reconfirm_unheard_of > 1')).toEqual(['reconfirm_unheard_of']);
  expect(strangersIn('sum by (nobody) (rate(reconfirm_limited_total{kind="ip", who=~"x"}[5m]))')).toEqual([
    'reconfirm_limited_total{who}',
    'by (nobody)',
  ]);
  expect(strangersIn('rate(reconfirm_http_request_seconds_count{status=~"5.."}[5m]) > 0')).toEqual([]);
});

test('labels that a summary speaks of are those that the expression keeps', () => {
  for (const { alert, expr, annotations } of rules) {
    const kept =
      /^\s*(?:sum|min|max) by \(([^)]*)\)/
        .exec(expr)?.[1]
        ?.split(',')
        .map((one) => one.trim()) ?? [];
    const spoken = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
    expect([alert, spoken.filter((label) => !kept.includes(label))]).toEqual([alert, []]);
  }
});

test('every way in which a webhook is refused is watched', () => {
  const refusals = Object.keys({
    missing: 1,
    stale: 1,
    mismatch: 1,
    no_key: 1,
    malformed: 1,
    address: 1,
    topic: 1,
  } satisfies Record<WebhookRefusal, 1>);
  const { expr = '' } = rules.find(({ alert }) => alert === 'ReconfirmWebhooksRefused') ?? {};
  const watched = /outcome=~"([^"]+)"/.exec(expr)?.[1]?.split('|') ?? [];
  expect(watched.toSorted()).toEqual([...refusals, 'replayed'].toSorted());
});

test('every alert has a severity and a chapter that says what to do, and every chapter an alert', () => {
  const chapters = [...read('alerts.md').matchAll(/^### (\w+)$/gm)].map(([, name = '']) => name);
  expect(rules.map(({ alert }) => alert).toSorted()).toEqual(chapters.toSorted());
  for (const { alert, labels, annotations } of rules) {
    expect(['critical', 'warning']).toContain(labels.severity);
    expect(annotations.runbook).toBe(`docs/alerts.md#${alert.toLowerCase()}`);
  }
});
