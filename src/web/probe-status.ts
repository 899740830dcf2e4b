import type { Instant, Monitor, Probe } from '../domain/probe.ts'
import type { ProbeState } from '../domain/state.ts'
import { isGap } from '../domain/streak.ts'
import type { Tone } from '../email/opening.ts'
import type { View } from './view.ts'

/** Worst first. */
export const WORDS = ['failing', 'blind', 'recovering', 'checking', 'not judged', 'not run yet', 'ok'] as const
export type Word = (typeof WORDS)[number]

export const TONE: Readonly<Record<Word, Tone>> = {
  failing: 'bad',
  blind: 'warn',
  recovering: 'plain',
  checking: 'plain',
  'not judged': 'plain',
  'not run yet': 'plain',
  ok: 'good',
}

/** How a configured probe is doing, in one word; `state` is `null` until the daemon knows it. */
export type ProbeStatus = Readonly<{ probe: Probe; monitor: Monitor; state: ProbeState | null; word: Word }>

/** Every probe that is configured. */
export function probeStatuses({ setup, world }: View, now: Instant): readonly ProbeStatus[] {
  const isOffline = world.connectivity.offlineSince !== null
  const blind = new Set(
    [...world.incidents.values()]
      .filter((incident) => incident.family === 'blind' && incident.state !== 'closed')
      .flatMap((incident) => incident.members.filter((member) => member.state !== 'recovered').map((member) => member.probe)),
  )
  return [...setup.monitors.values()].flatMap((monitor) =>
    monitor.probes.map((probe): ProbeStatus => {
      const state = world.probes.get(probe.id) ?? null
      const hasRun = state !== null && !isOutdated(state, world.freshSince, monitor, now)
      return { probe, monitor, state, word: wordFor(state, { hasRun, isBlind: blind.has(probe.id), isOffline }) }
    }),
  )
}

/** The last result is from before the start or wake-up, and too old to say anything about the present. */
function isOutdated({ lastConclusiveAt: last }: ProbeState, freshSince: Instant, { periodMs }: Monitor, now: Instant): boolean {
  return last !== null && last < freshSince && isGap({ from: last, to: now }, periodMs)
}

function wordFor(
  state: ProbeState | null,
  { hasRun, isBlind, isOffline }: Readonly<{ hasRun: boolean; isBlind: boolean; isOffline: boolean }>,
): Word {
  if (state?.status === 'failing' || state?.status === 'recovering') return state.status
  if (isBlind) return 'blind'
  if (state === null || state.lastConclusiveAt === null || !hasRun) return 'not run yet'
  // Offline, we cannot know: green would be a claim.
  if (isOffline) return 'not judged'
  return state.status === 'undecided' ? 'checking' : 'ok'
}

export function countOf(statuses: readonly ProbeStatus[], word: Word): number {
  return statuses.filter((status) => status.word === word).length
}
