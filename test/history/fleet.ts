import type { Config } from '../../src/config/config.ts'
import { formatFaults } from '../../src/config/fault.ts'
import { parseScenario } from '../../src/simulate/parse.ts'

/** Timers so short that an afternoon holds every rule; the proportions are those of the defaults. */
const POLICY =
  '{ wait: WAIT, extension: EXTENSION, holdAtMost: 12m, lookback: 50m, staleAfter: 2h, remindEvery: 15m, joinWithin: 5m, reopenWithin: 5m, blindAfter: 6m }'
const RUNS = 'spread: 0s, attempts: 2, backoff: 1s, timeout: 3s, retryInterval: 20s, recheckEvery: 60s'

const MANAGER = 'manager: { to: [manager@example.com], after: 6m }'
const ONE = `
  monitors: [{ name: default, operations: [GetContactInformation], notify: [oncall, manager], ${RUNS} }]
  recipients: { oncall: { to: [oncall@example.com, second@example.com] }, ${MANAGER} }`
/** `deputy` is notified of both, and so has probes in common with everybody. */
const pair = (accounts: string, beta: string, oncall: string) => `
  monitors:
    - { name: a, accounts: ${accounts}, operations: [GetContactInformation], notify: [oncall, deputy, manager], ${RUNS} }
    ${beta}
  recipients: { oncall: { to: [${oncall}] }, beta: { to: [beta@example.com] }, deputy: { to: [deputy@example.com, third@example.com] }, ${MANAGER} }`
const renamed = (fleet: string) => fleet.replaceAll('oncall,', 'watch,').replace('oncall:', 'watch:')
const OURS = 'oncall@example.com, second@example.com'
const TWO = '["111111111111", "222222222222"]'
const BETA = `- { name: b, operations: [ListRegions], notify: [beta, deputy], fail: { count: 2, of: 3 }, ${RUNS} }`
/** The same monitor, which reaches its threshold five seconds after `a` (`joining`). */
const LATE_BETA = BETA.replace('fail: { count: 2, of: 3 }', 'schedule: "5 * * * * *"')
const CALM = `- { name: c, schedule: "*/2 * * * *", operations: [GetAccountInformation], notify: [oncall, beta], ${RUNS} }`

/** Each fleet as it begins, and what a reload may make of it. */
const FLEETS: readonly (readonly string[])[] = [
  [ONE, ONE.replace('oncall@', 'night@'), renamed(ONE)],
  [
    pair(TWO, BETA, OURS),
    pair('["111111111111"]', BETA, OURS),
    pair(TWO, '', OURS),
    pair(TWO, BETA, 'night@example.com, second@example.com, duty@example.com'),
    pair(TWO, `${BETA}\n    ${CALM}`, OURS),
    renamed(pair(TWO, BETA, OURS)),
    pair(TWO, BETA, OURS).replace('deputy@', 'beta2@'),
  ],
]

const MAILS = ['30', '4'] as const
const WAITS = ['0s', '2m'] as const
/** As it begins, and what a reload may make of it. */
const EXTENSIONS = ['2m', '1m', '12m'] as const

/** Addresses of recipients who have several: the mail server may accept an email for one of them and not for another. */
export const PICKY: readonly string[] = ['oncall@example.com', 'second@example.com', 'deputy@example.com', 'night@example.com']

/** What a history is played by: the fleet that it begins with, what reloads may put in its place, and how it ends. */
export type Fleet = Readonly<{ begin: Config; others: readonly Config[]; end: Config }>

const known = new Map<string, Config>()

function config(fleet: string, wait: string, maxPerHour: string, port: number, extension: string = EXTENSIONS[0]): Config {
  const policy = POLICY.replace('WAIT', wait).replace('EXTENSION', extension)
  const mail = `{ from: Alibi <alibi@example.com>, maxPerHour: ${maxPerHour}, smtp: { host: smtp.example.com, port: ${port} } }`
  const source = `title: t\nstart: 2026-03-02T12:00:00Z\nlength: 1h\nconfig:${fleet}\n  policy: ${policy}\n  health: { idleEvery: 10m }\n  mail: ${mail}\n`
  const made = known.get(source)
  if (made !== undefined) return made
  const parsed = parseScenario(source, 'history')
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults, source))
  known.set(source, parsed.scenario.config)
  return parsed.scenario.config
}

export function fleetOf(which: { fleet: number; wait: number; mails: number; extensions: boolean; late: boolean }): Fleet {
  const drawn = FLEETS[which.fleet % FLEETS.length] ?? []
  const variants = which.late ? drawn.map((variant) => variant.replace(BETA, LATE_BETA)) : drawn
  const [wait, mails] = [WAITS[which.wait % 2] ?? '0s', MAILS[which.mails % 2] ?? '30']
  const extended = (which.extensions ? EXTENSIONS.slice(1) : []).map((extension) =>
    config(variants[0] ?? '', wait, mails, 25, extension),
  )
  const all = [...variants.map((variant) => config(variant, wait, mails, 25)), ...extended]
  const [begin] = all
  if (begin === undefined) throw new Error('a fleet has a beginning')
  // Another mail configuration: what was refused is retried (docs/rules.md, Delivery).
  return { begin, others: all, end: config(variants[0] ?? '', wait, '30', 26) }
}
