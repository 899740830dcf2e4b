import { loadConfig } from '../src/config/file.ts'
import { evidenceOf } from '../src/daemon/evidence.ts'
import { LiveWorld } from '../src/daemon/live-world.ts'
import { enoughRuns } from '../src/daemon/run-gathering.ts'
import { decide } from '../src/domain/decide.ts'
import { type Instant, MINUTE_MS, type Outcome } from '../src/domain/probe.ts'
import { type Setup, setupOf } from '../src/domain/setup.ts'
import { accountsOf, type Bench, configuration } from './bench.ts'
import { exponentOf, type Figure, median, rounded } from './figure.ts'

const NOON = Date.UTC(2026, 2, 2, 12)
/** Rounds that reach the threshold, and those that are measured after one that warms up. */
const COUNT = 2
const ROUNDS = 5
const MAX_EXPONENT = 0.1

type Wide = Readonly<{ accounts: number; usPerRun: number; onsetMs: number }>

/** What deciding costs while all accounts are members of one incident, without calls, disk and emails. */
export const decisions: Bench = async (ground) => {
  const all: Wide[] = []
  for (const accounts of ground.size.wide) all.push(wideOf(await setupFor(ground, accounts), accounts))
  for (const one of all) ground.say(JSON.stringify(one))
  const figures: Figure[] = all.flatMap(({ accounts, usPerRun, onsetMs }) => [
    {
      name: 'decisionUsPerRun',
      of: String(accounts),
      what: `CPU of the decision per failing run, ${accounts.toLocaleString('en')} accounts`,
      value: rounded(usPerRun, 1),
      unit: 'µs',
    },
    {
      name: 'decisionOnsetMs',
      of: String(accounts),
      what: `CPU of the decisions by which ${accounts.toLocaleString('en')} accounts become one incident`,
      value: rounded(onsetMs, 1),
      unit: 'ms',
    },
  ])
  if (all.length < 2) return figures
  const value = rounded(exponentOf(all.map(({ accounts, usPerRun }) => [accounts, usPerRun])), 2)
  const note = '0 is flat, 1 grows as the accounts do'
  const what = 'CPU of the decision per failing run, exponent'
  return [...figures, { name: 'decisionUsPerRun', of: 'exponent', what, value, unit: '', atMost: MAX_EXPONENT, note }]
}

async function setupFor(ground: Parameters<Bench>[0], accounts: number): Promise<Setup> {
  const ids = accountsOf(accounts).map((id) => `"${id}"`)
  const monitor = [`accounts: [${ids.join(', ')}]`, `fail: { count: ${COUNT}, of: ${COUNT} }`]
  const loaded = await loadConfig(await configuration(ground, `decisions-${accounts}`, [monitor]), {})
  if (!loaded.ok) throw new Error(loaded.faults[0]?.message)
  return setupOf(loaded.config)
}

function wideOf(setup: Setup, accounts: number): Wide {
  const ids = [...setup.probes.keys()]
  const loaded = { probes: [], incidents: [], selfAlerts: [], connectivity: null, lastAlive: null }
  const world = new LiveWorld(loaded, ids, null, NOON)
  let born = 0
  const take = (outcomes: readonly Outcome[], now: Instant) => {
    const input = {
      ...{ now, outcomes, controls: [], readings: new Map([['aws', readingAt(NOON)] as const]), newlyRead: new Set<never>() },
      ...{ timers: false, selfAlerts: [], owners: () => [], newId: () => String(born++) },
    }
    const { probes, incidents, selfAlerts, connectivity, freshSince, absence } = world
    const before = { probes, incidents, selfAlerts, connectivity, freshSince, absence }
    const decision = decide({ ...before, silences: [], acks: new Map(), lostUntil: null }, input, setup)
    evidenceOf(outcomes, decision, world)
    world.adopt(decision)
  }
  const cpuMsOfRound = (n: number) => {
    const at = NOON + n * MINUTE_MS
    const cpu = process.cpuUsage()
    // Before there is an incident all of them wait for AWS Health, and are decided on together.
    const each = n < COUNT ? ids.length : enoughRuns(world.incidents.values())
    for (let i = 0; i < ids.length; i += each)
      take(
        ids.slice(i, i + each).map((id) => failed(id, at)),
        at + 2_000,
      )
    const { user, system } = process.cpuUsage(cpu)
    return (user + system) / 1_000
  }
  const onset = Array.from({ length: COUNT }, (_, n) => cpuMsOfRound(n))
  const failing = [...world.incidents.values()][0]?.members.length
  if (failing !== accounts) throw new Error(`${failing} of ${accounts} accounts are in the incident`)
  cpuMsOfRound(COUNT)
  const rounds = Array.from({ length: ROUNDS }, (_, n) => cpuMsOfRound(COUNT + 1 + n))
  return { accounts, usPerRun: (1_000 * median(rounds)) / accounts, onsetMs: onset.reduce((sum, ms) => sum + ms, 0) }
}

function failed(probe: string, at: Instant): Outcome {
  const call = { at, ms: 200, kind: 'internal', error: 'InternalServerException', message: 'an error', status: 500 } as const
  const ids = { requestId: 'r', apigwId: null, traceId: null, service: 'ACCOUNT', region: 'us-east-1', skewMs: 0 } as const
  return {
    probe,
    startedAt: at,
    endedAt: at + 1_000,
    control: null,
    result: 'failed',
    kind: 'internal',
    tries: [{ ...call, ...ids }],
  }
}

/** Twenty open events of another service elsewhere: each is considered and rejected. */
function readingAt(at: Instant) {
  const events = Array.from({ length: 20 }, (_, i) => ({
    ...{
      arn: `arn:aws:health:eu-west-1::event/EC2/${i}`,
      service: 'EC2',
      region: 'eu-west-1',
      code: 'AWS_EC2_OPERATIONAL_ISSUE',
    },
    ...({
      category: 'issue',
      scope: 'PUBLIC',
      status: 'open',
      startedAt: at,
      endedAt: null,
      updatedAt: at,
      text: 'Errors.',
    } as const),
    ...{ impacted: null, sources: ['api'] as const, owners: [] },
  }))
  const said = { state: 'answered', at, events: events.length, skipped: 0, detail: 'the bench' } as const
  return { partition: 'aws', at, events, sources: { api: said, dashboard: said } } as const
}
