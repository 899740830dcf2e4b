import type { Config } from '../config/config.ts'
import { inWords } from '../domain/duration.ts'
import { judge } from '../domain/judge.ts'
import { decisiveTry, familyOf, type Monitor, type Outcome, type Probe } from '../domain/probe.ts'
import type { Verdict } from '../domain/verdict.ts'
import { type Wired, wire } from '../wire.ts'
import { populated } from './discovered-accounts.ts'
import { exitOf } from './exit.ts'
import { configured, type Io, type ListOptions, say } from './io.ts'
import { monitorNamed } from './monitor-named.ts'
import { probeOnce, shortestRoundMs, withSetup } from './probe-once.ts'
import { table } from './table.ts'
import { unloggedHealthReader } from './unlogged-health-reader.ts'
import { VERSION } from './version.ts'

/** If it takes longer than this because of the quotas, the user is warned at the start. */
const LONG_MS = 10_000

type Run = Readonly<{ monitor: Monitor; probe: Probe; outcome: Outcome }>

/** Runs every probe once and judges the failures. The exit code is the verdict. */
export async function probe(name: string | undefined, options: ListOptions, io: Io): Promise<number> {
  const given = await configured(options, io)
  const chosen = name === undefined ? given.monitors : [monitorNamed(given, name)]
  const isChosen = (monitor: string) => chosen.some((one) => one.name === monitor)
  const config = await populated({ ...given, discoveries: given.discoveries.filter(({ monitor }) => isChosen(monitor)) }, io)
  const monitors = config.monitors.filter((monitor) => isChosen(monitor.name))
  await using wired = wire(config, io.env, VERSION)
  const shortestMs = shortestRoundMs(monitors)
  // Standard output is for the result only.
  if (shortestMs > LONG_MS) io.err(`AWS’s quotas make this take at least ${inWords(shortestMs)}.`)
  await wired.loadClients()
  const runs = await runsOf(monitors, wired)
  const failed = runs.filter(({ outcome }) => outcome.result === 'failed')
  const verdicts = failed.length === 0 ? [] : await verdictsOf(failed, wired, config)
  if (options.json === true) io.out(JSON.stringify(runs.map(runJson), null, 2))
  else print(runs, verdicts, io)
  // An inconclusive run is not ok: a script must not take it for success.
  const inconclusive = runs.filter(({ outcome }) => outcome.result === 'inconclusive')
  return exitOf([...verdicts.map((verdict) => verdict.kind), ...inconclusive.map(() => 'undetermined' as const)])
}

/** In the order of the configuration. */
async function runsOf(monitors: readonly Monitor[], { prober, clock }: Wired): Promise<readonly Run[]> {
  const outcomes = withSetup([...(await probeOnce(monitors, prober, clock)).values()])
  const byProbe = new Map(outcomes.map((outcome) => [outcome.probe, outcome]))
  return monitors.flatMap((monitor) =>
    monitor.probes.flatMap((probe) => {
      const outcome = byProbe.get(probe.id)
      return outcome === undefined ? [] : [{ monitor, probe, outcome }]
    }),
  )
}

function print(runs: readonly Run[], verdicts: readonly Verdict[], io: Io): void {
  const rows = runs.map(({ outcome }) => {
    const last = decisiveTry(outcome)
    return [
      outcome.probe,
      outcome.result,
      outcome.kind ?? '',
      `${Math.round(outcome.endedAt - outcome.startedAt)} ms`,
      String(outcome.tries.length),
      // AWS Support asks for the request ids of failures; a terminal has no room for the others.
      io.columns !== null && outcome.result === 'ok' ? '' : (last?.requestId ?? ''),
      last?.error ?? '',
    ]
  })
  io.out(table(['probe', 'outcome', 'kind', 'took', 'tries', 'request id', 'error'], rows, io.columns))
  const texts = [
    ...runs.flatMap(ownFailure),
    ...verdicts.map((verdict) => `${verdict.kind}: ${verdict.why}`),
    ...inconclusiveText(runs),
  ]
  for (const text of new Set(texts)) say(io, `\n${text}`)
}

/** What a failure that is not AWS's says itself: its verdict has nothing to add. */
function ownFailure({ outcome }: Run): readonly string[] {
  const message = decisiveTry(outcome)?.message ?? null
  if (outcome.result !== 'failed' || message === null || familyOf(outcome.kind) === 'outage') return []
  return [`${outcome.kind}: ${message}`]
}

function inconclusiveText(runs: readonly Run[]): readonly string[] {
  const kinds = runs.flatMap(({ outcome }) => (outcome.result === 'inconclusive' ? [outcome.kind] : []))
  if (kinds.length === 0) return []
  return [`undetermined: ${kinds.length} of ${runs.length} probes were inconclusive (${[...new Set(kinds)].join(', ')})`]
}

function runJson({ monitor, probe, outcome }: Run) {
  const last = decisiveTry(outcome)
  return {
    monitor: monitor.name,
    account: probe.account,
    operation: probe.call.operation,
    outcome: outcome.result,
    kind: outcome.kind,
    tries: outcome.tries.length,
    ms: Math.round(outcome.endedAt - outcome.startedAt),
    requestId: last?.requestId ?? null,
    error: last?.error ?? null,
  }
}

async function verdictsOf(failed: readonly Run[], wired: Wired, config: Config): Promise<readonly Verdict[]> {
  const reader = unloggedHealthReader(wired, config)
  const { signal } = new AbortController()
  return Promise.all(
    failed.map(async ({ monitor, probe, outcome }): Promise<Verdict> => {
      const last = decisiveTry(outcome)
      if (outcome.result !== 'failed' || last === null || familyOf(outcome.kind) !== 'outage') {
        return { kind: 'unexplained', why: `no AWS outage explains a failure of kind ${outcome.kind}`, rejected: [] }
      }
      const reading = await reader.read(monitor.partition, config.health.cacheForMs, signal)
      const failure = {
        kind: outcome.kind,
        service: last.service,
        region: last.region,
        onset: outcome.startedAt,
        at: outcome.startedAt,
        owners: wired.owners(probe, monitor),
      }
      return judge(failure, reading, {
        policy: config.policy,
        relevance: config.health.relevance,
        peers: () => ({ others: 0, ok: 0 }),
        now: wired.clock.now(),
      })
    }),
  )
}
