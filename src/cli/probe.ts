import { inWords } from '../domain/duration.ts'
import { judge } from '../domain/judge.ts'
import { decisiveTry, familyOf, type Monitor, type Outcome, type Probe } from '../domain/probe.ts'
import type { Verdict } from '../domain/verdict.ts'
import { type Wired, wire } from '../wire.ts'
import { EXIT, Exit, exitOf } from './exit.ts'
import { configured, type Io, type Listing, say } from './io.ts'
import { populated } from './members.ts'
import { oneRound, shortestRoundMs, withSetup } from './one-round.ts'
import { quietDesk } from './quiet.ts'
import { table } from './table.ts'
import { VERSION } from './version.ts'

/** A round that takes longer at AWS's pace is announced. */
const SOON_MS = 10_000

/** Every probe once, now; what fails is put before AWS Health, and the exit code is the verdict. */
export async function probe(name: string | undefined, options: Listing, io: Io): Promise<number> {
  const given = await configured(options, io)
  const asked = given.monitors.filter((monitor) => name === undefined || monitor.name === name)
  if (asked.length === 0)
    throw new Exit(
      EXIT.usage,
      `there is no monitor ${name}: the configuration has ${given.monitors.map((m) => m.name).join(', ')}`,
    )
  const discoveries = given.discoveries.filter(({ monitor }) => asked.some((one) => one.name === monitor))
  const config = await populated({ ...given, discoveries }, io)
  const monitors = config.monitors.filter((monitor) => asked.some((one) => one.name === monitor.name))
  await using wired = wire(config, io.env, VERSION)
  const { signal } = new AbortController()
  const shortestMs = shortestRoundMs(monitors)
  // Not on stdout: what is piped from there is the result.
  if (shortestMs > SOON_MS) io.err(`At the pace that AWS’s quotas allow, this takes at least ${inWords(shortestMs)}.`)
  const ran = withSetup([...(await oneRound(monitors, wired.prober, wired.clock)).values()])
  const known = new Map(ran.map((outcome) => [outcome.probe, outcome]))
  const outcomes = monitors.flatMap((monitor) =>
    monitor.probes.flatMap((one) => {
      const outcome = known.get(one.id)
      return outcome === undefined ? [] : [{ monitor, probe: one, outcome }]
    }),
  )
  const failed = outcomes.filter(({ outcome }) => outcome.result === 'failed')
  const verdicts = failed.length === 0 ? [] : await verdictsOf(failed, wired, config, signal)
  // Neither failed nor ok: a script that goes on at 0 must not be told that all is well.
  const silent = outcomes.flatMap(({ outcome }) => (outcome.result === 'inconclusive' ? [outcome.kind] : []))
  if (options.json === true)
    io.out(
      JSON.stringify(
        outcomes.map(({ monitor, probe: p, outcome }) => shown(monitor, p, outcome)),
        null,
        2,
      ),
    )
  else {
    const rows = outcomes.map(({ outcome }) => {
      const last = decisiveTry(outcome)
      return [
        outcome.probe,
        outcome.result,
        outcome.kind ?? '',
        `${Math.round(outcome.endedAt - outcome.startedAt)} ms`,
        String(outcome.tries.length),
        // On a terminal there is room only for what somebody will ask for: AWS Support asks about those that failed.
        io.columns !== null && outcome.result === 'ok' ? '' : (last?.requestId ?? ''),
        last?.error ?? '',
      ]
    })
    io.out(table(['probe', 'outcome', 'kind', 'took', 'tries', 'request id', 'error'], rows, io.columns))
    // Of what is not AWS's the verdict says nothing: what is missing, and where, stands in the error itself.
    const ours = failed.flatMap(({ outcome }) => {
      const message = decisiveTry(outcome)?.message ?? null
      if (outcome.result !== 'failed' || message === null || familyOf(outcome.kind) === 'outage') return []
      return [`${outcome.kind}: ${message}`]
    })
    for (const text of new Set(ours)) say(io, `\n${text}`)
    for (const text of new Set(verdicts.map((verdict) => `${verdict.kind}: ${verdict.why}`))) say(io, `\n${text}`)
    if (silent.length > 0)
      say(io, `\nundetermined: ${silent.length} of ${outcomes.length} probes said nothing (${[...new Set(silent)].join(', ')})`)
  }
  return exitOf([...verdicts.map((verdict) => verdict.kind), ...silent.map(() => 'undetermined' as const)])
}

function shown(monitor: Monitor, one: Probe, outcome: Outcome) {
  const last = decisiveTry(outcome)
  return {
    monitor: monitor.name,
    account: one.account,
    operation: one.call.operation,
    outcome: outcome.result,
    kind: outcome.kind,
    tries: outcome.tries.length,
    ms: Math.round(outcome.endedAt - outcome.startedAt),
    requestId: last?.requestId ?? null,
    error: last?.error ?? null,
  }
}

async function verdictsOf(
  failed: readonly { monitor: Monitor; probe: Probe; outcome: Outcome }[],
  wired: Wired,
  config: Awaited<ReturnType<typeof configured>>,
  signal: AbortSignal,
): Promise<readonly Verdict[]> {
  const desk = quietDesk(wired, config)
  return Promise.all(
    failed.map(async ({ monitor, probe: one, outcome }): Promise<Verdict> => {
      const last = decisiveTry(outcome)
      if (outcome.result !== 'failed' || last === null || familyOf(outcome.kind) !== 'outage') {
        return { kind: 'unexplained', why: `no AWS outage explains a failure of kind ${outcome.kind}`, rejected: [] }
      }
      const reading = await desk.read(monitor.partition, config.health.cacheForMs, signal)
      const failure = {
        kind: outcome.kind,
        service: last.service,
        region: last.region,
        onset: outcome.startedAt,
        at: outcome.startedAt,
        owners: wired.owners(one, monitor),
      }
      return judge(
        failure,
        reading,
        { policy: config.policy, relevance: config.health.relevance },
        () => ({ others: 0, well: 0 }),
        wired.clock.now(),
      )
    }),
  )
}
