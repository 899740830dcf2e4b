import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createMetrics } from '../src/web/metrics.ts'
import { failedRun, NOW, ONSET, owedOf, PROBES, SCENES } from './wire/web-world.ts'

/** Prometheus's own, of every target that it asks. */
const FOREIGN = new Set(['up'])
/** Metrics that are in no panel and no rule; each with why. */
const UNUSED: readonly string[] = []
/** Words of PromQL that look like the name of a metric. */
const WORDS = new Set([
  ...['sum', 'min', 'max', 'by', 'rate', 'increase', 'time', 'absent', 'histogram_quantile', 'and', 'or', 'label_values'],
])

type Panel = Readonly<{ title: string; targets: readonly Readonly<{ expr: string }>[] }>
type Dashboard = Readonly<{
  panels: readonly (Panel & Readonly<{ id: number; gridPos: Readonly<{ x: number; y: number; w: number; h: number }> }>)[]
  templating: Readonly<{ list: readonly Readonly<{ name: string; query: unknown }>[] }>
}>
type Rules = Readonly<{
  groups: readonly Readonly<{
    rules: readonly Readonly<{ alert: string; expr: string; labels: { severity: string }; annotations: Record<string, string> }>[]
  }>[]
}>

const dashboard = JSON.parse(readFileSync('config/grafana/alibi.json', 'utf8')) as Dashboard
const rules = (parse(readFileSync('config/prometheus/alibi.rules.yml', 'utf8')) as Rules).groups.flatMap((group) => group.rules)

/** Metrics and the labels they are asked by, of one expression: what stands in quotes and in ranges is no name. */
function namesOf(expr: string): readonly Readonly<{ name: string; labels: readonly string[] }>[] {
  const bare = expr.replace(/"[^"]*"/g, '""').replace(/\[[^\]]*\]/g, '')
  const by = [...bare.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, list]) => list?.split(',').map((one) => one.trim()) ?? [])
  const rest = bare.replace(/\bby\s*\([^)]*\)/g, '')
  return [...rest.matchAll(/\b([a-z_][a-z0-9_]*)\b(?:\{([^}]*)\})?(?!\s*=~?"|\w)/g)]
    .filter(([, name]) => name !== undefined && !WORDS.has(name) && !/^\d/.test(name))
    .map(([, name = '', selector = '']) => ({
      name,
      labels: [...by, ...[...selector.matchAll(/(\w+)\s*[=!]~?/g)].map(([, label]) => label ?? '')],
    }))
}

const metrics = createMetrics()
afterAll(() => metrics.close())

/** A real answer of `/metrics`, with something of everything counted: each name with the labels that it has. */
async function real(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const { meter } = metrics
  const probe = PROBES[0]!
  meter.run(probe, failedRun(probe.id, ONSET))
  meter.decided('withheld')
  meter.judged('explained')
  meter.mail('failing', 'delivered')
  meter.fired('production', 12)
  meter.began('production', 3)
  meter.skipped('production')
  meter.read(SCENES['well']!().view.readings.get('aws')!)
  metrics.observeStore('commit', 1)
  const { view } = SCENES['failing']!()
  const outbox = [owedOf('a', 'oncall', 'failing', { state: 'due' })]
  const text = await metrics.text({ view, outbox, health: { ok: true, reasons: [] }, now: NOW })
  const names = new Map<string, Set<string>>()
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z_]+)(?:\{(.*)\})? \S+$/gm)) {
    const known = names.get(name) ?? new Set<string>()
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label)
    names.set(name, known)
  }
  return names
}

/** `job` and `instance` come with the scrape. */
const OF_THE_SCRAPE = ['job', 'instance']

const asked: readonly (readonly [string, string])[] = [
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [`panel ${title}`, expr] as const)),
  ...dashboard.templating.list.flatMap(({ name, query }) =>
    typeof query === 'object' && query !== null
      ? [[`variable ${name}`, String((query as { query: string }).query)] as const]
      : [],
  ),
  ...rules.map(({ alert, expr }) => [`rule ${alert}`, expr] as const),
]

test.for(asked)('%s asks for what there is: %s', async ([where, expr]) => {
  const there = await real()
  const names = namesOf(expr).filter(({ name }) => !(where.startsWith('variable') && !name.startsWith('alibi_')))
  expect(names.length).toBeGreaterThan(0)
  for (const { name, labels } of names) {
    if (FOREIGN.has(name)) continue
    expect([...there.keys()], name).toContain(name)
    for (const label of labels)
      if (!OF_THE_SCRAPE.includes(label)) expect([...there.get(name)!], `${name}{${label}}`).toContain(label)
  }
})

test('every metric is in a panel or a rule', async () => {
  const used = asked.map(([, expr]) => expr).join('\n')
  const families = [...(await real()).keys()].map((name) => name.replace(/_(?:bucket|sum|count)$/, ''))
  const unused = [...new Set(families)].filter((name) => !new RegExp(`\\b${name}(?:_bucket)?\\b`).test(used))
  expect(unused).toEqual(UNUSED)
})

describe('the reader of expressions', () => {
  test.for<[string, readonly string[]]>([
    ['alibi_offline == 1', ['alibi_offline']],
    ['sum by (state) (alibi_mails_owed{state="refused",job=~"$job"}) > 0', ['alibi_mails_owed state,state,job']],
    ['time() - alibi_x > 1800', ['alibi_x']],
    ['histogram_quantile(0.99, sum by (le) (rate(alibi_y_bucket[15m]))) > 0.5', ['alibi_y_bucket le']],
    ['up{job="alibi"} == 0 or absent(up{job="alibi"})', ['up job', 'up job']],
  ])('%s', ([expr, names]) => expect(namesOf(expr).map(({ name, labels }) => `${name} ${labels.join()}`.trim())).toEqual(names))
})

test('each rule says what it means and what to do', () => {
  for (const { alert, labels, annotations } of rules) {
    expect(alert).toMatch(/^Alibi[A-Z]\w+$/)
    expect(['critical', 'warning', 'info']).toContain(labels.severity)
    expect(Object.keys(annotations)).toEqual(['summary', 'description'])
  }
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
})

test('no panel lies upon another', () => {
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
})
