import { errorAside } from '../domain/error-name.ts'
import type { Facts, ProbeFacts } from '../domain/notification.ts'
import { type Instant, type Outcome, partsOfId, type Try } from '../domain/probe.ts'
import { isOfSts } from '../domain/service-facts.ts'
import { type Block, heading, type TryLine } from './block.ts'
import { callOf, lastFailed } from './failure-summary.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { strip } from './strip.ts'
import { hhmmss } from './times.ts'

/** The last hour and the latest runs of the probes that show most. */
export function evidence(facts: Facts, limits: Limits): readonly Block[] {
  const isOneOfSeveral = facts.probes.length > 1
  return mostTelling(facts.probes, limits.probes).flatMap((probe) => {
    const runs = probe.evidence.slice(-limits.runs)
    const lastHour = strip(probe.strip, facts.at)
    if (runs.length === 0 && lastHour.length === 0) return []
    const name = heading(`${callOf(probe, limits)} (${foreign(probe.monitor, limits.word)})`)
    return [
      ...(isOneOfSeveral ? [name] : []),
      ...(lastHour.length === 0 ? [] : [{ type: 'strip', rows: lastHour } as const]),
      ...runs.map((run) => runBlock(run, facts.at, limits)),
    ]
  })
}

/** The first probe of each operation and error comes before a second of any. */
function mostTelling(probes: readonly ProbeFacts[], max: number): readonly ProbeFacts[] {
  const firsts = new Map<string, ProbeFacts>()
  for (const probe of probes) {
    const key = `${probe.operation} ${lastFailed(probe)?.tries.at(-1)?.error ?? ''}`
    if (!firsts.has(key)) firsts.set(key, probe)
  }
  const first = new Set(firsts.values())
  return [...first, ...probes.filter((probe) => !first.has(probe))].slice(0, max)
}

function runBlock(run: Outcome, mailedAt: Instant, limits: Limits): Block {
  const { tries, startedAt, endedAt, result, kind } = run
  const skipped = Math.max(0, tries.length - limits.tries)
  const notes = [...skippedTries(skipped), ...controlCall(run, mailedAt, limits)]
  const shown = tries.slice(skipped).map(
    (one, index): TryLine => ({
      at: hhmmss(one.at, mailedAt),
      what: `try ${skipped + index + 1} of ${tries.length}: ${stsOf(one, run)}${resultOf(one, tries[skipped + index - 1] ?? null, limits)}`,
      ids: idsOf(one, limits),
      ok: one.kind === null,
    }),
  )
  return {
    type: 'tries',
    title: `Run at ${hhmmss(startedAt, mailedAt)}: ${result}${kind === null ? '' : ` (${kind})`}, took ${Math.round(endedAt - startedAt)} ms`,
    tries: shown,
    note: notes.length === 0 ? null : notes.join(' '),
  }
}

function skippedTries(skipped: number): readonly string[] {
  if (skipped === 0) return []
  return [skipped === 1 ? 'An earlier try is not shown.' : `${skipped} earlier tries are not shown.`]
}

function controlCall({ control }: Outcome, mailedAt: Instant, limits: Limits): readonly string[] {
  if (control === null) return []
  const result = control.reached ? 'answered' : 'also failed,'
  const detail = foreign(control.detail, limits.word)
  return [`Control call at ${hhmmss(control.at, mailedAt)}: ${result} in ${Math.round(control.ms)} ms (${detail}).`]
}

/** Who failed, where that is not the service that the probe asks. */
function stsOf(one: Try, { probe }: Outcome): string {
  return isOfSts(one, partsOfId(probe).operation) ? 'STS ' : ''
}

/** `InternalServerException, HTTP 500, 1213 ms: The service could not …`, without a message that the try before had as well. */
function resultOf(one: Try, before: Try | null, limits: Limits): string {
  const result = one.kind === null ? 'ok' : foreign(errorAside(one), limits.word)
  const status = one.status === null ? ', no answer' : one.kind === null ? `, HTTP ${one.status}` : ''
  // In `HTTP 503 with a body that is not JSON` the status would be a repetition.
  const said = one.message?.replace(/^HTTP \d+ (?=with)/, '') ?? ''
  const message = said === '' || said === one.error || one.message === before?.message ? '' : `: ${foreign(said, limits.word)}`
  return `${result}${status}, ${Math.round(one.ms)} ms${message}`
}

function idsOf({ requestId, apigwId }: Try, limits: Limits): string | null {
  const ids = [
    ...(requestId === null ? [] : [`request ${foreign(requestId, limits.word)}`]),
    ...(apigwId === null ? [] : [`apigw ${foreign(apigwId, limits.word)}`]),
  ]
  return ids.length === 0 ? null : ids.join(', ')
}
