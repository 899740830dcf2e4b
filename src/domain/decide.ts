import type { Announcement, Step } from './announcement.ts'
import { inherited, toldOf, toldOfUs } from './audience.ts'
import { advanceConnectivity, blame, FAILURES_THAT_CUT_OFF, isUnanswered } from './connectivity.ts'
import { inWords, inWordsByClock } from './duration.ts'
import { NEVER_JUDGED, settleJudgement, withFirstEnds } from './explanation.ts'
import { type Audience, failingMembers, type Incident, type Member } from './incident.ts'
import { judge } from './judge.ts'
import { leadMinutesOf } from './lead.ts'
import type { LedgerRow } from './ledger.ts'
import { type HealthReading, SOURCES, type Source } from './outage.ts'
import type { Policy } from './policy.ts'
import {
  type ControlAnswer,
  decisiveTry,
  type Family,
  type Instant,
  MINUTE_MS,
  type Monitor,
  type Outcome,
  type Partition,
  type Probe,
} from './probe.ts'
import type { RuleName } from './rule.ts'
import { leave } from './rules/config-change.ts'
import { close, flapsNow } from './rules/recovery.ts'
import { headingOf, SOURCE_ALERT } from './self-alert.ts'
import { accountName, operationKey, operationShown, type Setup } from './setup.ts'
import { type Connectivity, newProbeState, type ProbeState, type SelfAlert, type World } from './state.ts'
import { step } from './step.ts'
import { advance, keepEnds, type Transition } from './streak.ts'
import type { Failure, Peers, Verdict } from './verdict.ts'

/** What happened since the last decision. */
export type Input = Readonly<{
  now: Instant
  /** Finished runs, in the order of their end. */
  outcomes: readonly Outcome[]
  /** Control calls made apart from runs. */
  controls: readonly ControlAnswer[]
  /** The newest reading of each partition that was asked. */
  readings: ReadonlyMap<Partition, HealthReading>
  /** Partitions that were read since the last decision. */
  newlyRead: ReadonlySet<Partition>
  /** Look also at what falls due by the clock alone: blind probes. */
  timers: boolean
  /** What else is to be told once, such as a faulty configuration on disk; `null`: it is over. */
  selfAlerts: readonly Readonly<{ key: string; text: string | null }>[]
  /** The names under which AWS Health may know the failing account. */
  owners: (probe: Probe, monitor: Monitor) => readonly string[]
  /** 64 random bits as 16 hexadecimal digits. */
  newId: () => string
}>

export type Announced = Readonly<
  | { incident: Incident; announcement: Announcement; selfAlert: null }
  | { incident: null; announcement: Announcement; selfAlert: SelfAlert }
>

/** Everything that a decision changes; the caller commits it whole and only then believes it. */
export type Decision = Readonly<{
  incidents: readonly Incident[]
  probes: readonly ProbeState[]
  selfAlerts: Readonly<{ set: readonly SelfAlert[]; cleared: readonly string[] }>
  connectivity: Connectivity | null
  freshSince: Instant
  ledger: readonly LedgerRow[]
  announced: readonly Announced[]
  /** What each outcome meant, for the log. */
  transitions: readonly Readonly<{ outcome: Outcome; transition: Transition }>[]
}>

/** A clock that is off by more is told: AWS refuses signatures at five minutes, and events are judged by the wrong times. */
const SKEW_WORTH_TELLING_MS = 2 * MINUTE_MS

/** How long a closed incident can still be opened again or explained in hindsight. */
export function rememberMs(policy: Policy): number {
  return Math.max(policy.reopenWithinMs, policy.lookbackMs) + policy.extensionMs
}

/**
 * The heart: outcomes and readings in, decisions with their reasons out. The same arguments give the same decision; nothing
 * is sent, stored or waited for here.
 */
export function decide(world: World, input: Input, setup: Setup): Decision {
  const draft = new Draft(world, input, setup)
  draft.followConnectivity()
  for (const outcome of input.outcomes) draft.take(blame(outcome, draft.connectivity))
  if (input.timers) draft.findBlind()
  draft.dropUnwatched()
  draft.judgeAll()
  draft.lookBack()
  draft.stepAll()
  draft.raiseSelfAlerts()
  return draft.decision()
}

/** The decision while it is being made: the world as it was, and over it what has changed so far. */
class Draft {
  connectivity: Connectivity
  private readonly probes = new Map<string, ProbeState>()
  private readonly incidents = new Map<string, Incident>()
  private readonly ledger: LedgerRow[] = []
  private readonly told: Announced[] = []
  private readonly transitions: { outcome: Outcome; transition: Transition }[] = []
  private readonly selfAlertsSet: SelfAlert[] = []
  private readonly selfAlertsCleared: string[] = []
  /** Incidents of which somebody is told that nothing of theirs is watched any longer. */
  private readonly dropped = new Set<string>()
  private freshSince: Instant
  private lookups: Lookups | null = null
  private readonly world: World
  private readonly input: Input
  private readonly setup: Setup

  constructor(world: World, input: Input, setup: Setup) {
    this.world = world
    this.input = input
    this.setup = setup
    this.connectivity = world.connectivity
    this.freshSince = world.freshSince
  }

  /** What is looked for once, not once a run, for there may be thousands; most decisions look for nothing. */
  private get found(): Lookups {
    this.lookups ??= { places: new Map(), newest: new Map(), fares: new Map() }
    return this.lookups
  }

  decision(): Decision {
    return {
      incidents: [...this.incidents.values()].filter((is) => is !== this.world.incidents.get(is.id)),
      probes: [...this.probes.values()],
      selfAlerts: { set: this.selfAlertsSet, cleared: this.selfAlertsCleared },
      connectivity: this.connectivity === this.world.connectivity ? null : this.connectivity,
      freshSince: this.freshSince,
      ledger: this.ledger,
      announced: this.told,
      transitions: this.transitions,
    }
  }

  /** Are we cut off? Opens the incident that tells of a spell; its end makes every probe run before a timer speaks. */
  followConnectivity(): void {
    const { now, controls, outcomes, readings } = this.input
    const was = this.world.connectivity
    this.connectivity = advanceConnectivity(was, { controls, outcomes, readings: readings.values() })
    const began = was.offlineSince === null && this.connectivity.offlineSince !== null
    if (began) {
      const since = this.connectivity.offlineSince ?? now
      const incident = newIncident(this.input.newId(), 'aws', 'offline', since, now)
      this.incidents.set(incident.id, incident)
      this.connectivity = { ...this.connectivity, incident: incident.id }
      this.note(
        'opened',
        incident.id,
        null,
        'offline',
        `${FAILURES_THAT_CUT_OFF} control calls in a row failed: the trouble is on our side`,
        { since },
      )
    }
    if (was.offlineSince !== null && this.connectivity.offlineSince === null) {
      this.connectivity = { ...this.connectivity, incident: null }
      this.freshSince = now
    }
  }

  /** One finished run. */
  take(given: Outcome): void {
    const probe = this.setup.probes.get(given.probe)
    const monitor = probe === undefined ? undefined : this.setup.monitors.get(probe.monitor)
    if (probe === undefined || monitor === undefined) return
    const was = this.probeState(probe.id)
    const last = was.incident === null ? null : this.openIncident(was.incident)
    // A probe that was not watched for a while has left its incident, which may go on without it (`config-change`).
    const incident = last?.members.some((member) => member.probe === probe.id) === true ? last : null
    // It did work before we were started anew: the outage that it is in goes on.
    const outcome: Outcome = given.kind === 'setup' && incident?.family === 'outage' ? { ...given, kind: 'unreachable' } : given
    const { state, transition } = advance(was, outcome, monitor, incident, this.world.absence)
    this.probes.set(probe.id, state)
    this.transitions.push({ outcome, transition })
    if (transition.kind !== 'not-counted') this.seenAgain(probe.id, outcome.startedAt)
    switch (transition.kind) {
      case 'failed':
        this.admit(probe, monitor, state, outcome, transition.family, transition.onset, transition.why)
        return
      case 'other-family':
        this.move(probe, monitor, state, outcome, incident, transition)
        return
      case 'still-failing':
        if (incident === null)
          this.admit(
            probe,
            monitor,
            state,
            outcome,
            familyNow(outcome),
            state.onset ?? outcome.startedAt,
            'its incident is gone, and it still fails',
          )
        else this.touch(incident, probe.id, (member) => sawFailure(member, outcome))
        return
      case 'recovering':
        if (incident !== null)
          this.touch(incident, probe.id, (member) => ({ ...member, state: 'recovering', lastRunAt: outcome.startedAt }))
        return
      case 'recovered':
        if (incident !== null) {
          this.touch(incident, probe.id, (member) => ({
            ...member,
            state: 'recovered',
            recoveredAt: outcome.startedAt,
            lastRunAt: outcome.startedAt,
          }))
          this.note('recovered', incident.id, probe.id, 'recovery', transition.why, null)
        }
        return
      case 'ok':
      case 'undecided':
      case 'not-counted':
        return
    }
  }

  /**
   * Finds the incident of a probe that has just failed: its own, one that is open, one to reopen, or a new one (`recovery` and
   * `grouping`).
   */
  private admit(
    probe: Probe,
    monitor: Monitor,
    state: ProbeState,
    outcome: Outcome,
    family: Family,
    onset: Instant,
    why: string,
  ): void {
    const member = newMember(probe, monitor, state, outcome, family, onset, this.input.now)
    const { now } = this.input
    const open = this.openToJoin(monitor.partition, family, probe.id, onset)
    if (open !== null) {
      this.join(open, member)
      this.note('joined', open.id, probe.id, 'grouping', why, { onset })
      return
    }
    const closed = this.toReopen(monitor.partition, family, probe.id, onset)
    if (closed !== null) {
      const reopenedAt = [...closed.reopenedAt, now]
      const flapping = flapsNow(reopenedAt, now)
      const reopened: Incident = {
        ...closed,
        state: 'waiting',
        episodeAt: now,
        announcedAt: null,
        closedAt: null,
        closedAs: null,
        lastMailAt: null,
        lastWiderAt: null,
        failingAtLastMail: 0,
        verdict: 'undetermined',
        explanationTold: false,
        lapse: null,
        withheld: null,
        reopenedAt,
        flapping,
      }
      this.join(reopened, member)
      this.note(
        'reopened',
        closed.id,
        probe.id,
        'recovery',
        `${why}, ${inWords(now - (closed.closedAt ?? now))} after its incident had closed`,
        { flapping },
      )
      return
    }
    const incident = newIncident(this.input.newId(), monitor.partition, family, now, now)
    this.join(incident, member)
    this.note('opened', incident.id, probe.id, 'threshold', why, { onset, family })
  }

  private openToJoin(partition: Partition, family: Family, probe: string, onset: Instant): Incident | null {
    const { joinWithinMs, reopenWithinMs } = this.setup.policy
    const fits = this.allIncidents().filter((is) => {
      if (is.state === 'closed' || is.partition !== partition || is.family !== family) return false
      const mine = this.memberOf(is, probe)
      if (mine?.recoveredAt !== undefined && mine.recoveredAt !== null && onset - mine.recoveredAt <= reopenWithinMs) return true
      return Math.abs(onset - this.newestOnset(is.members)) <= joinWithinMs
    })
    return fits.sort((a, b) => b.openedAt - a.openedAt)[0] ?? null
  }

  private toReopen(partition: Partition, family: Family, probe: string, onset: Instant): Incident | null {
    const within = this.setup.policy.reopenWithinMs
    const fits = this.allIncidents().filter(
      (is) =>
        is.state === 'closed' &&
        is.closedAs === 'recovered' &&
        is.partition === partition &&
        is.family === family &&
        is.closedAt !== null &&
        onset - is.closedAt <= within &&
        is.members.some((member) => member.probe === probe),
    )
    return fits.sort((a, b) => (b.closedAt ?? 0) - (a.closedAt ?? 0))[0] ?? null
  }

  private join(incident: Incident, member: Member): void {
    const place = this.placeOf(incident, member.probe)
    const others = place === null ? incident.members : incident.members.toSpliced(place, 1)
    const members = [...others, member]
    // Of the others it is known, or has to be looked for anew.
    if (place === null) {
      this.found.newest.set(members, Math.max(this.newestOnset(others), member.onset))
      this.found.places.get(incident.id)?.set(member.probe, others.length)
    } else this.found.places.delete(incident.id)
    this.incidents.set(incident.id, { ...incident, members })
    const state = this.probeState(member.probe)
    if (incident.family !== 'blind') this.probes.set(member.probe, { ...state, incident: incident.id, trail: [] })
  }

  /** `family-change`: it fails otherwise now. */
  private move(
    probe: Probe,
    monitor: Monitor,
    state: ProbeState,
    outcome: Outcome,
    from: Incident | null,
    transition: Extract<Transition, { kind: 'other-family' }>,
  ): void {
    if (from === null) {
      this.admit(probe, monitor, state, outcome, transition.family, transition.onset, transition.why)
      return
    }
    const [mover] = from.members.filter((member) => member.probe === probe.id)
    const left: Incident = { ...from, members: from.members.filter((member) => member !== mover) }
    this.note('moved', from.id, probe.id, 'family-change', transition.why, { family: transition.family })
    const empty = failingMembers(left).length === 0
    // For whom nothing is left of the old incident it goes on in the other; who still has something there has two.
    const heirs = from.audience.filter(
      (a) =>
        a.open &&
        (empty ||
          (mover !== undefined &&
            toldOf(a, [mover], this.setup).length > 0 &&
            toldOf(a, failingMembers(left), this.setup).length === 0)),
    )
    // The member stays in the story of an incident that ends with it.
    if (empty) this.conclude(close(from, this.input.now, 'changed', transition.why))
    else this.incidents.set(left.id, left)
    this.admit(probe, monitor, state, outcome, transition.family, transition.onset, transition.why)
    const id = this.probeState(probe.id).incident
    const into = id === null ? null : this.openIncident(id)
    if (into !== null && (empty || heirs.length > 0)) this.handOver(from, into, heirs)
  }

  /**
   * `family-change`: those told of the one incident are told by the other from now on, and of its end. Its sequence goes on from
   * the old one's, for mails of one thread leave in that order.
   */
  private handOver(from: Incident, into: Incident, heirs: readonly Audience[]): void {
    const entry = new Map(into.audience.map((a) => [a.recipient, a]))
    for (const old of heirs) entry.set(old.recipient, inherited(entry.get(old.recipient), old, from))
    this.incidents.set(into.id, {
      ...into,
      continues: into.announcedAt === null ? { id: from.id, family: from.family } : into.continues,
      audience: [...entry.values()],
      seq: Math.max(into.seq, from.seq),
    })
    const left = this.incidents.get(from.id) ?? from
    const moved = new Set(heirs.map((a) => a.recipient))
    this.incidents.set(from.id, {
      ...left,
      // Their thread is the other's now: should they be told of this one again, it is in a new one.
      audience: left.audience.filter((a) => !moved.has(a.recipient)),
      into: [...new Set([...(left.into ?? []), into.id])],
    })
  }

  private touch(incident: Incident, probe: string, change: (member: Member) => Member): void {
    const place = this.placeOf(incident, probe)
    const member = place === null ? undefined : incident.members[place]
    if (place === null || member === undefined) return
    const members = incident.members.with(place, change(member))
    const newest = this.found.newest.get(incident.members)
    if (newest !== undefined) this.found.newest.set(members, newest)
    this.incidents.set(incident.id, { ...incident, members })
  }

  /** `null` where the probe is no member. */
  private placeOf({ id, members }: Incident, probe: string): number | null {
    const known = this.found.places.get(id)
    const place = known?.get(probe)
    if (known?.size === members.length && (place === undefined || members[place]?.probe === probe)) return place ?? null
    const places = new Map(members.map((member, i) => [member.probe, i]))
    this.found.places.set(id, places)
    return places.get(probe) ?? null
  }

  private memberOf(incident: Incident, probe: string): Member | undefined {
    const place = this.placeOf(incident, probe)
    return place === null ? undefined : incident.members[place]
  }

  /** `-Infinity` where there are none. */
  private newestOnset(members: readonly Member[]): Instant {
    const known = this.found.newest.get(members)
    if (known !== undefined) return known
    const newest = members.reduce((latest, member) => Math.max(latest, member.onset), Number.NEGATIVE_INFINITY)
    this.found.newest.set(members, newest)
    return newest
  }

  /** `blind`: a probe without a conclusive run for too long, whatever the reason. */
  findBlind(): void {
    if (this.connectivity.offlineSince !== null) return
    const { now } = this.input
    const { policy } = this.setup
    for (const probe of this.setup.probes.values()) {
      const monitor = this.setup.monitors.get(probe.monitor)
      const state = this.probeState(probe.id)
      // The last state stands of one that failed when it was seen last; whether one that was ok then is well nobody can tell.
      if (monitor === undefined || state.status === 'failing') continue
      const since = Math.max(state.lastConclusiveAt ?? state.knownSince, this.freshSince, this.world.lostUntil ?? 0)
      const limit = Math.max(policy.blindAfterMs, 3 * monitor.periodMs)
      if (now - since < limit || this.blindMembership(probe.id) !== null) continue
      const why = `no conclusive run for ${inWordsByClock(since, now)} (${blindWhy(state)})`
      const verdict: Verdict = { kind: 'unexplained', why, rejected: [] }
      const member: Member = {
        ...bareMember(probe, since, now),
        lastOkAt: state.lastOkAt,
        judgement: { ...NEVER_JUDGED, verdict },
        lastRunAt: state.lastRunAt ?? since,
      }
      const open = this.openToJoin(monitor.partition, 'blind', probe.id, since)
      const incident = open ?? newIncident(this.input.newId(), monitor.partition, 'blind', now, now)
      this.join(incident, member)
      this.note(open === null ? 'opened' : 'joined', incident.id, probe.id, 'blind', why, { since })
    }
  }

  private seenAgain(probe: string, at: Instant): void {
    const incident = this.blindMembership(probe)
    if (incident === null) return
    this.touch(incident, probe, (member) => ({ ...member, state: 'recovered', recoveredAt: at, lastRunAt: at }))
    this.note('recovered', incident.id, probe, 'blind', 'it is seen again', null)
  }

  private blindMembership(probe: string): Incident | null {
    const all = this.allIncidents().filter((is) => is.family === 'blind' && is.state !== 'closed')
    return all.find((is) => is.members.some((member) => member.probe === probe && member.state !== 'recovered')) ?? null
  }

  /**
   * `config-change`: a probe that left the configuration leaves its incident. For whom no failing probe is left with that it is
   * over, and they are told so, also where it goes on for others.
   */
  dropUnwatched(): void {
    for (const incident of this.open()) {
      if (incident.family === 'offline') continue
      const gone = failingMembers(incident).filter((member) => !this.setup.probes.has(member.probe))
      if (gone.length === 0) continue
      // Those that are well stay in its story: whoever was told of them hears of its end.
      const members = incident.members.filter((member) => !gone.includes(member))
      const left = failingMembers({ ...incident, members })
      const over = incident.audience.filter(
        (a) => a.open && toldOf(a, gone, this.setup).length > 0 && toldOf(a, left, this.setup).length === 0,
      )
      const rest = { ...incident, members }
      // Who waits for the end of probes that are well by now hears of that: the incident ends with the next step.
      const waiting = incident.audience.some((a) => a.open && !over.includes(a))
      if (left.length === 0 && !waiting)
        this.conclude(close(incident, this.input.now, 'dropped', 'no failing probe of it is watched any longer'))
      else if (over.length > 0) {
        this.dropped.add(incident.id)
        this.conclude(leave(incident, over, this.input.now), rest)
      } else this.incidents.set(rest.id, rest)
    }
  }

  /** Judges every unwell member that ran, or for which AWS Health was read, since it was judged last. */
  judgeAll(): void {
    const open = this.open()
    if (open.length === 0) return
    const ran = new Set(this.input.outcomes.map((outcome) => outcome.probe))
    for (const incident of open) {
      const reading = this.input.readings.get(incident.partition)
      if (incident.family !== 'outage' || reading === undefined) continue
      let changed = false
      const members = incident.members.map((member) => {
        const run = member.evidence.at(-1)
        if (member.state === 'recovered' || run === undefined) return member
        if (!ran.has(member.probe) && member.judgement.readAt !== null && reading.at <= member.judgement.readAt) return member
        changed = true
        return { ...member, judgement: this.judgementOf(member, run, reading) }
      })
      if (changed) this.incidents.set(incident.id, { ...incident, members })
    }
  }

  private judgementOf(member: Member, run: Outcome, reading: HealthReading) {
    const { now } = this.input
    const at = this.failsStillAt(member, run)
    const failure = this.failureOf(member, run, at)
    if (failure === null) return member.judgement
    const peers = () => this.peersOf(member)
    const seen = withFirstEnds(reading, member.judgement.ends ?? [], now)
    const judged = judge(failure, seen, this.law(), peers, now)
    const ranAt = at === run.startedAt ? null : member.lastRunAt
    return settleJudgement(member.judgement, judged, seen, at, this.setup.policy.extensionMs, peers, now, ranAt)
  }

  /**
   * The moment for which a failing probe is judged: its last failed run. Where no run has said anything for too long its last
   * state stands (`blind`), and it is judged as if it failed now: an explanation must not outlive its event for want of a run.
   */
  private failsStillAt(member: Member, run: Outcome): Instant {
    const { now } = this.input
    const monitor = this.setup.monitors.get(member.monitor)
    if (monitor === undefined || this.connectivity.offlineSince !== null || member.state !== 'failing') return run.startedAt
    const patienceMs = Math.max(this.setup.policy.blindAfterMs, 3 * Math.min(monitor.periodMs, monitor.recheckEveryMs))
    return now >= Math.max(member.lastRunAt, this.freshSince) + patienceMs ? now : run.startedAt
  }

  private law() {
    return { policy: this.setup.policy, relevance: this.setup.relevance }
  }

  private failureOf(member: Member, run: Outcome, at: Instant): Failure | null {
    const probe = this.setup.probes.get(member.probe)
    const monitor = this.setup.monitors.get(member.monitor)
    const decisive = decisiveTry(run)
    if (probe === undefined || monitor === undefined || decisive === null || run.result !== 'failed') return null
    const { service, region } = decisive
    return { kind: run.kind, service, region, onset: member.onset, at, owners: this.input.owners(probe, monitor) }
  }

  /** How the other accounts fare with this operation since the onset (the test of width). */
  private peersOf(member: Member): Peers {
    const probe = this.setup.probes.get(member.probe)
    const monitor = this.setup.monitors.get(member.monitor)
    if (probe === undefined || monitor === undefined) return { others: 0, ok: 0 }
    const fares = this.faresOf(operationKey(monitor.partition, probe))
    const mine = fares.accounts.get(accountName(probe, monitor))
    const since = (at: Instant | null | undefined) => at !== null && at !== undefined && at >= member.onset
    // No account has an unclean run without a run: those with one since the onset are among the others.
    const others = notBefore(fares.runs, member.onset) - (since(mine?.run) ? 1 : 0)
    const failingMembers = notBefore(fares.uncleans, member.onset) - (since(mine?.unclean) ? 1 : 0)
    return { others, ok: others - failingMembers }
  }

  /** Read once a decision for each operation, after all runs were taken: every failing account is compared with every other. */
  private faresOf(key: string): Fares {
    const known = this.found.fares.get(key)
    if (known !== undefined) return known
    const accounts = new Map<string, { run: Instant; unclean: Instant | null }>()
    for (const other of this.setup.sameOperation.get(key) ?? []) {
      const monitor = this.setup.monitors.get(other.monitor)
      const { lastRunAt, lastUncleanAt } = this.probeState(other.id)
      if (monitor === undefined || lastRunAt === null) continue
      const account = accountName(other, monitor)
      const was = accounts.get(account)
      accounts.set(account, {
        run: Math.max(was?.run ?? lastRunAt, lastRunAt),
        unclean: lastUncleanAt === null ? (was?.unclean ?? null) : Math.max(was?.unclean ?? lastUncleanAt, lastUncleanAt),
      })
    }
    const all = [...accounts.values()]
    const runs = Float64Array.from(all, ({ run }) => run).sort()
    const uncleans = Float64Array.from(
      all.flatMap(({ unclean }) => (unclean === null ? [] : [unclean])),
      (at) => at,
    ).sort()
    const fares = { accounts, runs, uncleans }
    this.found.fares.set(key, fares)
    return fares
  }

  /**
   * `late-explanation`, late and over: events that would have explained an earlier run, first seen when they explain none any
   * more.
   */
  lookBack(): void {
    const { now } = this.input
    for (const incident of this.allIncidents()) {
      const reading = this.input.readings.get(incident.partition)
      if (incident.family !== 'outage' || reading === undefined || !this.input.newlyRead.has(incident.partition)) continue
      const over = incident.state === 'closed'
      if (over && (incident.closedAt === null || now - incident.closedAt > this.setup.policy.lookbackMs)) continue
      let is = incident
      for (const member of incident.members) {
        const run = member.evidence.at(-1)
        if (run === undefined || (!over && (member.state === 'recovered' || member.judgement.verdict.kind === 'explained')))
          continue
        const failure = this.failureOf(member, run, over ? run.startedAt : member.onset)
        if (failure === null) continue
        const judged = judge(failure, reading, this.law(), () => this.peersOf(member), now)
        if (judged.kind !== 'explained') continue
        is = inHindsight(is, judged.by, over, now)
      }
      if (is === incident) continue
      this.incidents.set(is.id, is)
      const news = is.hindsight.at(-1)
      if (news !== undefined)
        this.note('hindsight', is.id, null, 'late-explanation', news.why, { arn: news.arn, leadMinutes: is.leadMinutes })
    }
  }

  stepAll(): void {
    const { now } = this.input
    for (const incident of this.open()) {
      // At most one mail an incident and moment.
      if (this.dropped.has(incident.id)) continue
      this.conclude(
        step(incident, {
          setup: this.setup,
          now,
          gathered: (members) => this.gathered(incident, members),
          freshSince: this.freshSince,
          offline: this.connectivity.offlineSince !== null,
          silences: this.world.silences,
          ack: this.world.acks.get(incident.id) ?? null,
        }),
      )
    }
  }

  /** @param rest what is left of the incident, where that is not what its mail tells of */
  private conclude(done: Step, rest?: Incident): void {
    const same = this.incidents.get(done.incident.id) ?? this.world.incidents.get(done.incident.id)
    const is = rest === undefined ? done.incident : { ...done.incident, members: rest.members }
    if (done.announcement !== null || done.ledger.length > 0 || !equalShallow(same, is)) this.incidents.set(is.id, is)
    this.ledger.push(...done.ledger)
    if (done.announcement !== null && done.announcement.to.length > 0) {
      this.told.push({ incident: done.incident, announcement: done.announcement, selfAlert: null })
    }
  }

  /**
   * `first-email`: has every probe of the monitors concerned run once since the onset? Those that are undecided as well are run
   * again at the same time (`threshold`), and those that fail otherwise than so far may be about to move here (`family-change`):
   * each has to have ended a run that began no sooner than the decisive one, or forty accounts that fail at once were a mail
   * about the two that answered first.
   */
  private gathered(incident: Incident, sick: readonly Member[]): boolean {
    const onset = sick.reduce((first, member) => Math.min(first, member.onset), Number.POSITIVE_INFINITY)
    const decisive = sick.reduce((first, member) => Math.min(first, decisiveRunAt(member)), Number.POSITIVE_INFINITY)
    const monitors = [...new Set(sick.map((member) => member.monitor))].flatMap((name) => this.setup.monitors.get(name) ?? [])
    return monitors.every((monitor) =>
      monitor.probes.every((probe) => {
        const state = this.probeState(probe.id)
        const open = this.mayJoin(state, incident)
        return (state.lastRunAt ?? 0) >= (open ? Math.max(onset, decisive) : onset)
      }),
    )
  }

  /** Undecided, or failing in an incident of another family while its last run was of this one. */
  private mayJoin({ status, incident, recent }: ProbeState, into: Incident): boolean {
    if (status === 'undecided') return true
    if (status !== 'failing' || incident === null || incident === into.id) return false
    return this.openIncident(incident)?.family !== into.family && recent.at(-1)?.family === into.family
  }

  /** What is told once and is no incident: a source that refuses, a control host that was never reached. */
  raiseSelfAlerts(): void {
    for (const { key, text } of this.input.selfAlerts) {
      if (text === null) this.clearSelfAlert(key)
      else this.selfAlert(key, text)
    }
    for (const [partition, reading] of this.input.readings) {
      for (const source of SOURCES) {
        const key = `${SOURCE_ALERT}${source}:${partition}`
        const { state, detail } = reading.sources[source] ?? GONE
        if (state === 'refused') this.selfAlert(key, refusal(source, detail, reading.sources.queue === undefined))
        if (state === 'answered') this.clearSelfAlert(key)
      }
    }
    const { everReached, failures } = this.connectivity
    if (!everReached && !isUnanswered(this.connectivity) && failures >= FAILURES_THAT_CUT_OFF) {
      this.selfAlert(
        'control',
        'The control host (control.url) was never reached since Alibi started: it cannot tell trouble of AWS from trouble of this host until that is mended.',
      )
    }
    if (everReached) this.clearSelfAlert('control')
    const skewMs = skewOf(this.input.outcomes)
    if (skewMs !== null && Math.abs(skewMs) > SKEW_WORTH_TELLING_MS) this.selfAlert('clock', skewText(skewMs))
    if (skewMs !== null && Math.abs(skewMs) < SKEW_WORTH_TELLING_MS / 2) this.clearSelfAlert('clock')
  }

  private selfAlert(key: string, text: string): void {
    if (this.world.selfAlerts.has(key)) return
    const { now } = this.input
    const selfAlert: SelfAlert = { key, since: now, text }
    const { rule, subject } = headingOf(key)
    const to = toldOfUs(this.setup.recipients.values()).map(({ name, to }) => {
      return { recipient: name, to, subject, root: '', open: false }
    })
    this.selfAlertsSet.push(selfAlert)
    this.note('noticed', null, null, rule, text, { key })
    this.told.push({
      incident: null,
      announcement: { kind: 'misconfigured', reason: text, rule, seq: 1, to, hindsight: [] },
      selfAlert,
    })
  }

  private clearSelfAlert(key: string): void {
    if (this.world.selfAlerts.has(key)) this.selfAlertsCleared.push(key)
  }

  private probeState(id: string): ProbeState {
    return this.probes.get(id) ?? this.world.probes.get(id) ?? newProbeState(id, this.input.now)
  }

  private openIncident(id: string): Incident | null {
    const is = this.incidents.get(id) ?? this.world.incidents.get(id)
    return is === undefined || is.state === 'closed' ? null : is
  }

  private allIncidents(): Incident[] {
    if (this.world.incidents.size === 0) return [...this.incidents.values()]
    const untouched = [...this.world.incidents.values()].filter((is) => !this.incidents.has(is.id))
    return [...untouched, ...this.incidents.values()]
  }

  private open(): Incident[] {
    return this.allIncidents().filter((is) => is.state !== 'closed')
  }

  private note(
    decision: LedgerRow['decision'],
    incident: string | null,
    probe: string | null,
    rule: RuleName,
    reason: string,
    evidence: unknown,
  ): void {
    this.ledger.push({ at: this.input.now, incident, probe, decision, rule, reason, evidence })
  }
}

type Lookups = Readonly<{
  /** Where each probe stands among the members of an incident. */
  places: Map<string, Map<string, number>>
  /** The latest onset among these members. */
  newest: Map<readonly Member[], Instant>
  /** By operation. */
  fares: Map<string, Fares>
}>

/** How the accounts fare with an operation: the last run of each and the last that was not clean, and both in order. */
type Fares = Readonly<{
  accounts: ReadonlyMap<string, Readonly<{ run: Instant; unclean: Instant | null }>>
  runs: Float64Array
  uncleans: Float64Array
}>

/** How many of these, sorted, are at that moment or later. */
function notBefore(sorted: Float64Array, at: Instant): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? 0) < at) low = middle + 1
    else high = middle
  }
  return sorted.length - low
}

/** Begin of the run with which the threshold was reached. */
function decisiveRunAt(member: Member): Instant {
  return member.evidence.findLast((run) => run.endedAt <= member.failedAt)?.startedAt ?? member.failedAt
}

function newIncident(id: string, partition: Partition, family: Family, openedAt: Instant, now: Instant): Incident {
  return {
    id,
    partition,
    family,
    state: 'waiting',
    continues: null,
    openedAt,
    episodeAt: now,
    announcedAt: null,
    closedAt: null,
    closedAs: null,
    members: [],
    audience: [],
    seq: 0,
    lastMailAt: null,
    lastWiderAt: null,
    failingAtLastMail: 0,
    verdict: 'undetermined',
    lapse: null,
    explanationTold: false,
    withheld: null,
    toldEvents: [],
    explainedBy: null,
    leadMinutes: null,
    hindsight: [],
    reopenedAt: [],
    flapping: false,
  }
}

function bareMember(probe: Probe, onset: Instant, now: Instant): Member {
  return {
    probe: probe.id,
    monitor: probe.monitor,
    account: probe.account,
    operation: operationShown(probe),
    state: 'failing',
    onset,
    lastOkAt: null,
    gap: null,
    failedAt: now,
    recoveredAt: null,
    lastRunAt: onset,
    lastFailedAt: onset,
    evidence: [],
    judgement: NEVER_JUDGED,
  }
}

function newMember(
  probe: Probe,
  monitor: Monitor,
  state: ProbeState,
  outcome: Outcome,
  family: Family,
  onset: Instant,
  now: Instant,
): Member {
  const evidence = state.trail.length > 0 ? state.trail : [outcome]
  const why = `kind ${outcome.kind}: no AWS outage explains it (monitor ${monitor.name})`
  const judgement =
    family === 'outage' ? NEVER_JUDGED : { ...NEVER_JUDGED, verdict: { kind: 'unexplained' as const, why, rejected: [] } }
  return {
    ...bareMember(probe, onset, now),
    lastOkAt: state.okBefore,
    gap: state.gap,
    lastRunAt: outcome.startedAt,
    lastFailedAt: outcome.startedAt,
    evidence,
    judgement,
  }
}

function sawFailure(member: Member, outcome: Outcome): Member {
  return {
    ...member,
    state: 'failing',
    lastRunAt: outcome.startedAt,
    lastFailedAt: outcome.startedAt,
    evidence: keepEnds([...member.evidence, outcome]),
  }
}

function familyNow(outcome: Outcome): Family {
  return outcome.kind === 'internal' || outcome.kind === 'unreachable' ? 'outage' : 'misconfigured'
}

function inHindsight(
  incident: Incident,
  by: Extract<Verdict, { kind: 'explained' }>['by'],
  over: boolean,
  now: Instant,
): Incident {
  const explainedBefore =
    incident.alibis?.includes(by.arn) === true ||
    incident.members.some(({ judgement }) => judgement.lapsed?.arn === by.arn || judgement.alibi?.arn === by.arn)
  const known =
    incident.explainedBy === by.arn || incident.toldEvents.includes(by.arn) || incident.hindsight.some((h) => h.arn === by.arn)
  if (known || explainedBefore) return incident
  const onset = Math.min(...incident.members.map((member) => member.onset))
  const leadMinutes = incident.leadMinutes ?? leadMinutesOf(by.startedAt, onset)
  const when = over ? 'after it was over' : 'when it no longer explained the present run'
  const why = `${by.code} (${by.region ?? 'no region'}) was first seen ${when}; it explains how it began`
  return {
    ...incident,
    explainedBy: incident.explainedBy ?? by.arn,
    leadMinutes,
    hindsight: [...incident.hindsight, { arn: by.arn, code: by.code, at: now, why }],
  }
}

function blindWhy(state: ProbeState): string {
  switch (state.inconclusive) {
    case 'throttled':
      return 'AWS throttles every try'
    case 'stalled':
      return 'our own process stands still'
    case 'fault':
      return 'its runs end in an internal error of Alibi: see the log'
    case 'offline':
      return 'this host was cut off'
    case null:
      return state.lastRunAt === null ? 'it never ran' : 'it does not run'
  }
}

const GONE = { state: 'off', detail: '' } as const

function refusal(source: Source, detail: string, areTwo: boolean): string {
  const { name, stop, again } = REFUSING[source]
  return `${name} refuses to answer: ${detail}. Verdicts rest on the other ${areTwo ? 'source' : 'sources'} until that changes; it is asked again ${again}. ${stop}`
}

const REFUSING: Readonly<Record<Source, Readonly<{ name: string; stop: string; again: string }>>> = {
  api: { name: 'The AWS Health API', stop: '`health.api: false` stops asking.', again: 'once a day' },
  dashboard: { name: 'The public AWS Health Dashboard', stop: '`health.dashboard: false` stops asking.', again: 'once a day' },
  queue: { name: 'The health queue', stop: 'Without `health.queue` it is not asked.', again: 'every five minutes' },
}

function equalShallow(a: Incident | undefined, b: Incident): boolean {
  if (a === undefined) return false
  return (Object.keys(b) as (keyof Incident)[]).every((key) => a[key] === b[key])
}

/** AWS's Date headers minus our clock: the median of these runs' answers; `null` when there was none. */
function skewOf(outcomes: readonly Outcome[]): number | null {
  const skews = outcomes.flatMap((outcome) => outcome.tries.flatMap(({ skewMs }) => skewMs ?? [])).toSorted((a, b) => a - b)
  return skews[Math.floor(skews.length / 2)] ?? null
}

function skewText(skewMs: number): string {
  const way = skewMs > 0 ? 'behind' : 'ahead of'
  return `The clock of this host is ${inWords(Math.abs(skewMs))} ${way} AWS’s: events are judged by the wrong times, and AWS refuses signatures of a clock that is off by more than five minutes. Let NTP set it.`
}
