import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseDuration } from '../src/config/duration.ts'
import { simulatorsConfig } from '../src/simulate/merged.ts'
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

/** What Prometheus itself makes of them, where it is installed (`apt-get install prometheus`). */
const NO_PROMTOOL = spawnSync('promtool', ['--version']).error === undefined ? '' : ' (skipped: promtool is not installed)'
const RULES = 'config/prometheus/alibi.rules.yml'
const PROMTOOL_MS = 30_000

type Panel = Readonly<{ title: string; targets: readonly Readonly<{ expr: string }>[] }>
type Dashboard = Readonly<{
  panels: readonly (Panel & Readonly<{ id: number; gridPos: Readonly<{ x: number; y: number; w: number; h: number }> }>)[]
  templating: Readonly<{ list: readonly Readonly<{ name: string; query: unknown }>[] }>
}>
type Rule = Readonly<{
  alert: string
  expr: string
  for?: string
  labels: { severity: string }
  annotations: Record<string, string>
}>
type Rules = Readonly<{
  groups: readonly Readonly<{
    rules: readonly Rule[]
  }>[]
}>

const dashboard = JSON.parse(readFileSync('config/grafana/alibi.json', 'utf8')) as Dashboard
const rules = (parse(readFileSync(RULES, 'utf8')) as Rules).groups.flatMap((group) => group.rules)

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

/** A real answer of `/metrics`, with something of everything counted. */
async function answer(): Promise<string> {
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
  return metrics.text({ view, outbox, health: { ok: true, reasons: [] }, now: NOW })
}

/** Each name in that answer with the labels that it has. */
async function real(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const names = new Map<string, Set<string>>()
  for (const [, name = '', labels = ''] of (await answer()).matchAll(/^([a-z_]+)(?:\{(.*)\})? \S+$/gm)) {
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

test('no rule waits for longer than what it waits for can last', () => {
  const { holdAtMostMs } = simulatorsConfig(0).policy
  const unannounced = rules.find(({ alert }) => alert === 'AlibiFailureUnannounced')
  expect(parseDuration(unannounced?.for ?? '')).toBeLessThan(holdAtMostMs)
})

type Labels = Readonly<Record<string, string>>
/** For each rule: what Prometheus scraped each minute, in its own notation, and the first full minute at which it fires. */
const FIRES: Readonly<Record<string, Readonly<{ series: Readonly<Record<string, string>>; minute: number; labels?: Labels }>>> = {
  AlibiDown: { series: { 'up{job="alibi"}': '1x1 0x30' }, minute: 5, labels: { job: 'alibi' } },
  AlibiUnwell: { series: { alibi_healthy: '1x1 0x30' }, minute: 7 },
  AlibiMonitorStalled: {
    series: { 'alibi_monitor_last_run_timestamp_seconds{monitor="production"}': '0x90' },
    ...{ minute: 36, labels: { monitor: 'production' } },
  },
  AlibiMailStuck: { series: { alibi_mail_oldest_owed_seconds: '0+60x30' }, minute: 12 },
  AlibiMailRefused: { series: { 'alibi_mails_owed{state="refused"}': '0x4 1x5' }, minute: 5, labels: { state: 'refused' } },
  AlibiHealthSourceLost: {
    series: { 'alibi_health_source_up{partition="aws",source="api"}': '1x1 0x90' },
    ...{ minute: 62, labels: { partition: 'aws', source: 'api' } },
  },
  AlibiHealthReadingOld: {
    series: { 'alibi_health_source_last_success_timestamp_seconds{partition="aws",source="api"}': '0x150' },
    ...{ minute: 121, labels: { partition: 'aws', source: 'api' } },
  },
  AlibiOffline: { series: { alibi_offline: '0x1 1x30' }, minute: 7 },
  AlibiConfigurationFaulty: { series: { alibi_config_faulty: '0x1 1x30' }, minute: 2 },
  AlibiScheduleLate: {
    series: { 'alibi_schedule_lag_seconds{monitor="production"}': '0x1 12x30', alibi_event_loop_delay_seconds: '0x31' },
    ...{ minute: 12, labels: { monitor: 'production' } },
  },
  AlibiDiskSlow: {
    series: {
      'alibi_store_blocking_seconds_bucket{le="0.5"}': '0+10x60',
      'alibi_store_blocking_seconds_bucket{le="2"}': '0+20x60',
      'alibi_store_blocking_seconds_bucket{le="+Inf"}': '0+20x60',
    },
    minute: 16,
  },
  AlibiFailureUnannounced: {
    series: { 'alibi_incidents_open{state="suppressed"}': '0x1 1x300' },
    ...{ minute: 182, labels: { state: 'suppressed' } },
  },
}

test('it is known of each rule when it fires', () => {
  expect(Object.keys(FIRES).sort()).toEqual(rules.map(({ alert }) => alert).sort())
})

describe.skipIf(NO_PROMTOOL !== '')(`promtool${NO_PROMTOOL}`, () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'alibi-promtool-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))
  const file = (name: string, content: unknown) => {
    const path = join(directory, name)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  const promtool = (args: readonly string[], input = '') => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', input, timeout: PROMTOOL_MS })
    return { status, said: `${stdout}${stderr}` }
  }
  const success = { status: 0, said: expect.stringMatching(/SUCCESS/) }

  test('takes the alert rules', () => expect(promtool(['check', 'rules', RULES])).toEqual(success))

  test("takes each expression of the dashboard, with Grafana's variables filled in", () => {
    const plain = (expr: string) => expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$\w+/g, '.*')
    const records = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => plain(expr)))
    const group = { name: 'panels', rules: records.map((expr, i) => ({ record: `panel_${i}`, expr })) }
    expect(promtool(['check', 'rules', file('panels.yml', { groups: [group] })])).toEqual(success)
  })

  test('finds nothing to say of an answer of /metrics', async () => {
    expect(promtool(['check', 'metrics'], await answer())).toEqual({ status: 0, said: '' })
  })

  test.for(rules.map((rule) => [rule.alert, rule] as const))(
    'sees %s fire when it should, and not a minute before',
    ([alert, rule]) => {
      const { series, minute, labels = {} } = FIRES[alert]!
      const filled = (text: string) => text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '')
      const annotations = Object.fromEntries(Object.entries(rule.annotations).map(([key, text]) => [key, filled(text)]))
      const fires = { exp_labels: { severity: rule.labels.severity, ...labels }, exp_annotations: annotations }
      const tested = {
        interval: '1m',
        input_series: Object.entries({ ...(alert === 'AlibiDown' ? {} : { 'up{job="alibi"}': '1x400' }), ...series }).map(
          ([name, values]) => ({ series: name, values }),
        ),
        alert_rule_test: [
          { alertname: alert, eval_time: `${minute - 1}m` },
          { alertname: alert, eval_time: `${minute}m`, exp_alerts: [fires] },
        ],
      }
      const tests = { rule_files: [resolve(RULES)], evaluation_interval: '1m', tests: [tested] }
      expect(promtool(['test', 'rules', file(`${alert}.yml`, tests)])).toEqual(success)
    },
  )
})
