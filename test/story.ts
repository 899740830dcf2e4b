import { expect } from 'vitest'
import { decide } from '../src/domain/decide.ts'
import type { Decision, Input } from '../src/domain/decision.ts'
import type { Incident } from '../src/domain/incident.ts'
import type { LedgerRow } from '../src/domain/ledger.ts'
import type { Notification } from '../src/domain/notification.ts'
import { type Backdrop, notificationsFor } from '../src/domain/notify.ts'
import type { HealthEvent, HealthReading } from '../src/domain/outage.ts'
import { rememberMs } from '../src/domain/policy.ts'
import type { ControlAnswer, Outcome, Partition } from '../src/domain/probe.ts'
import type { Scope } from '../src/domain/scope.ts'
import { accountName, type Setup } from '../src/domain/setup.ts'
import type { Ack, Silence } from '../src/domain/silence.ts'
import { type Connectivity, type Gap, INITIAL_CONNECTIVITY, newProbeState, type World } from '../src/domain/state.ts'
import { control, MIN, NOON, reading, run, type SetupGiven, type SourceStates, setup, silence, type Went } from './given.ts'
import { mayGo } from './transitions.ts'

const SENT_BY = {
  version: '0.0.0',
  host: 'watch',
  sdk: '3',
  endpoint: 'https://account.us-east-1.amazonaws.com',
  signingRegion: 'us-east-1',
  caller: null,
  callers: [],
}

const LETTERS: Readonly<Record<string, Went | 'nothing'>> = {
  o: 'ok',
  F: 'internal',
  U: 'down',
  X: 'cut off',
  D: 'denied',
  t: 'throttled',
  z: 'stalled',
  _: 'nothing',
}

/**
 * A world in which time passes minute by minute and every decision is carried out; times are minutes since noon. Every probe runs
 * at the full minute (re-runs in between are left out, so that three failures take two minutes), AWS Health is read with each
 * round, and half a minute later the clock alone is looked at.
 *
 * What was sent is a list of lines such as `2 failing > oncall`, so that an expectation says who gets what and when, and
 * that nobody else is. Whatever happens, each decision must also hold the rules that hold always (`alwaysTrue`).
 */
export class Story {
  setup: Setup
  /** Minutes since noon: when the next round runs. */
  minute = 0
  readonly said: string[] = []
  readonly mails: (Notification & { minute: number })[] = []
  readonly ledger: (LedgerRow & { minute: number })[] = []
  private world: World
  private readonly going = new Map<string, Went | 'nothing'>()
  private events: readonly HealthEvent[] = []
  private sources: SourceStates | 'not asked' = {}
  private controls: 'up' | 'down' | 'none' = 'none'
  private apartMs = 0
  private born = 0
  private readonly lastReadings = new Map<Partition, HealthReading>()
  private readonly subjects = new Map<string, string>()

  constructor(given: SetupGiven = {}) {
    this.setup = setup(given)
    const probes = new Map([...this.setup.probes.keys()].map((id) => [id, newProbeState(id, NOON)]))
    const connectivity = { ...INITIAL_CONNECTIVITY, everReached: true }
    const nothing = { silences: [] as Silence[], acks: new Map<string, Ack>() }
    this.world = {
      probes,
      incidents: new Map(),
      selfAlerts: new Map(),
      connectivity,
      freshSince: NOON,
      lostUntil: null,
      absence: null,
      ...nothing,
    }
  }

  /** How the runs go from now on, of every probe or of those whose id holds `of`. */
  goes(went: Went | 'nothing', of = ''): this {
    for (const id of this.setup.probes.keys()) if (id.includes(of)) this.going.set(id, went)
    return this
  }

  /** One letter a minute: o ok, F internal, U unreachable, X cut off, D denied, t throttled, z stalled, _ no run at all. */
  runs(letters: string, of = ''): this {
    for (const letter of letters) this.goes(LETTERS[letter] as Went | 'nothing', of).pass(1)
    return this
  }

  /** What AWS Health says from now on. */
  aws(...events: readonly HealthEvent[]): this {
    this.events = events
    return this
  }

  /** Whether AWS Health can be asked from now on. */
  asking(states: SourceStates | 'not asked'): this {
    this.sources = states
    return this
  }

  /** Control calls are made with each round from now on, apart from those of unreachable runs. */
  control(state: 'up' | 'down' | 'none'): this {
    this.controls = state
    return this
  }

  /** From now on the runs of a round begin so many milliseconds apart, and each is decided upon by itself. */
  apart(ms: number): this {
    this.apartMs = ms
    return this
  }

  /** Lets so many minutes pass, a round in each. */
  pass(minutes: number): this {
    for (let i = 0; i < minutes; i++) {
      this.round()
      this.minute += 1
    }
    return this
  }

  /** Lets time pass to that minute. */
  until(minute: number): this {
    return this.pass(minute - this.minute)
  }

  /** Nobody watches for so long: the process was stopped, and starts again with what is on disk. */
  away(minutes: number): this {
    const from = this.now()
    this.minute += minutes
    const absence: Gap = { from, to: this.now(), why: 'Alibi was not running' }
    this.world = { ...this.world, freshSince: this.now(), absence }
    return this
  }

  /** Another configuration from now on. */
  configure(given: SetupGiven): this {
    this.setup = setup(given)
    return this
  }

  /** For so long from now on, or from so many minutes on. */
  silence(minutes: number, scope: Partial<Scope> = {}, inMinutes = 0): this {
    const from = this.now() + inMinutes * MIN
    const asked = silence({ id: `s${this.minute}`, at: this.now(), from, until: from + minutes * MIN, scope })
    this.world = { ...this.world, silences: [...this.world.silences, asked] }
    return this
  }

  /** Takes all silences back. */
  lift(): this {
    const silences = this.world.silences.map((one) => ({ ...one, endedAt: one.endedAt ?? this.now() }))
    this.world = { ...this.world, silences }
    return this
  }

  ack(incident: string): this {
    this.world = { ...this.world, acks: new Map([...this.world.acks, [incident, { incident, at: this.now(), reason: null }]]) }
    return this
  }

  connectivity(): Connectivity {
    return this.world.connectivity
  }

  /** What is known of the control calls, as if it had always been so. */
  reached(connectivity: Connectivity): this {
    this.world = { ...this.world, connectivity }
    return this
  }

  incidents(): readonly Incident[] {
    return [...this.world.incidents.values()]
  }

  /** The only incident there is. */
  incident(): Incident {
    const all = this.incidents()
    expect(all, 'there is one incident').toHaveLength(1)
    return all[0] as Incident
  }

  /** Reasons of ledger rows of that kind, each with its minute and rule. */
  why(decision: LedgerRow['decision']): readonly string[] {
    return this.ledger.filter((row) => row.decision === decision).map((row) => `${row.minute} (${row.rule}) ${row.reason}`)
  }

  /** Takes the lines said since the last call. */
  news(): readonly string[] {
    return this.said.splice(0)
  }

  private now(): number {
    return NOON + this.minute * MIN
  }

  private round(): void {
    const at = this.now()
    const outcomes = [...this.setup.probes.values()].flatMap((probe, i): Outcome[] => {
      const went = this.going.get(probe.id) ?? 'ok'
      const region = this.setup.monitors.get(probe.monitor)?.region ?? 'us-east-1'
      return went === 'nothing' ? [] : [run(probe.id, at + i * this.apartMs, went, region)]
    })
    this.read(at + 1000)
    const controls = this.controls === 'none' ? [] : [control(at + 100, this.controls === 'up')]
    const newlyRead = this.sources === 'not asked' ? [] : [...this.lastReadings.keys()]
    const batches = this.apartMs === 0 ? [outcomes] : outcomes.map((outcome) => [outcome])
    for (const [i, batch] of batches.entries()) {
      this.decide(at + i * this.apartMs + 1000, batch, i === 0 ? controls : [], i === 0 ? newlyRead : [])
    }
    this.decide(at + MIN / 2, [], [], [])
  }

  private readonly heard: { key: string; text: string | null }[] = []

  private read(at: number): void {
    if (this.sources === 'not asked') return
    const partitions = new Set([...this.setup.monitors.values()].map((monitor) => monitor.partition))
    for (const partition of partitions) {
      // A source that cannot be asked holds no events.
      const seen = this.events.flatMap((e) => {
        const sources = e.sources.filter(
          (source) => this.sources !== 'not asked' && (this.sources[source] ?? 'answered') === 'answered',
        )
        return sources.length === 0 ? [] : [{ ...e, sources }]
      })
      this.lastReadings.set(partition, reading(seen, at, this.sources, partition))
    }
  }

  /** Something is reported from outside that is no incident; `null`: it is over. */
  noticed(key: string, text: string | null): this {
    this.heard.push({ key, text })
    return this.pass(1)
  }

  private decide(
    now: number,
    outcomes: readonly Outcome[],
    controls: readonly ControlAnswer[],
    newlyRead: readonly Partition[],
  ): void {
    const born = this.born
    const input: Input = {
      now,
      outcomes,
      controls,
      readings: new Map(this.lastReadings),
      newlyRead: new Set(newlyRead),
      timers: true,
      selfAlerts: this.heard.splice(0),
      owners: (probe, monitor) => [accountName(probe, monitor)],
      newId: () => {
        this.born += 1
        return `${this.born.toString(16).padStart(4, '0')}000000000000`
      },
    }
    const decision = decide(this.world, input, this.setup)
    this.born = born
    expect(decide(this.world, input, this.setup), 'the same arguments give the same decision').toEqual(decision)
    const drop: Backdrop = {
      setup: this.setup,
      now,
      readings: input.readings,
      strips: new Map(),
      overrides: [],
      sender: () => SENT_BY,
    }
    const owed = notificationsFor(decision.announced, drop)
    this.alwaysTrue(decision, owed)
    for (const mail of owed) {
      this.mails.push({ ...mail, minute: this.minute })
      this.said.push(`${this.minute} ${mail.kind} > ${mail.recipient}`)
    }
    for (const row of decision.ledger) this.ledger.push({ ...row, minute: this.minute })
    this.adopt(decision, now)
  }

  /** What holds of every decision, whatever the story. */
  private alwaysTrue(decision: Decision, owed: readonly Notification[]): void {
    const ids = [...this.mails, ...owed].map((mail) => mail.id)
    expect(new Set(ids).size, 'no notification has the id of another').toBe(ids.length)
    const about = decision.announced.map((one) => one.incident?.id ?? one.selfAlert?.key)
    expect(new Set(about).size, 'at most one email per incident and moment').toBe(about.length)
    for (const mail of owed) {
      const subject = this.subjects.get(mail.thread)
      if (subject !== undefined) expect(mail.facts.subject, 'a thread keeps its subject').toBe(subject)
      this.subjects.set(mail.thread, mail.facts.subject)
      const first = [...this.mails, ...owed].find((other) => other.thread === mail.thread) as Notification
      expect(first.messageId, 'a thread is named after its first email').toBe(mail.thread)
      expect(mail.inReplyTo, 'every later email replies to the first').toBe(first === mail ? null : first.messageId)
      const before = this.mails.filter((other) => other.thread === mail.thread).map((other) => other.seq)
      expect(Math.max(0, ...before), 'the emails of a thread are in the order of their sequence').toBeLessThan(mail.seq)
      // Somebody may have chosen to get nothing but the end (`choice`).
      const kinds = this.setup.recipients.get(mail.recipient)?.kinds
      const getsNoAlert = kinds?.every((kind) => kind === 'recovered' || kind === 'now-explained') === true
      if (!getsNoAlert && (mail.kind === 'recovered' || mail.kind === 'dropped')) {
        const thread = this.mails.filter((other) => other.thread === mail.thread)
        const episode = thread.slice(thread.findLastIndex(({ kind }) => kind === 'recovered' || kind === 'dropped') + 1)
        expect(episode.length, 'whoever is notified of the recovery was notified of the failure').toBeGreaterThan(0)
        const past = this.mails.filter((other) => mail.past?.some(({ thread }) => thread === other.thread))
        const told = new Set([...episode, ...past].flatMap((other) => other.to))
        for (const { to } of [...episode, mail])
          for (const address of to) {
            expect(mail.to, 'at every address that was notified').toContain(address)
            expect(told, 'and at no other').toContain(address)
          }
      }
    }
    for (const is of decision.incidents) {
      const from = this.world.incidents.get(is.id)?.state ?? '–'
      const rules = decision.ledger.flatMap((row) => (row.incident === is.id && row.rule !== null ? [row.rule] : []))
      expect(mayGo(from, is.state, rules), `docs/rules.md: ${from} to ${is.state} by ${rules.join(', ')}`).toBe(true)
      if (is.state === 'closed') {
        expect(
          is.audience.some((a) => a.open),
          'nobody is left waiting for the end',
        ).toBe(false)
        continue
      }
      if (is.announcedAt !== null) continue
      const rows = [...this.ledger, ...decision.ledger].filter((row) => row.incident === is.id && row.decision === 'withheld')
      expect(rows.length, 'silence has a reason in the ledger').toBeGreaterThan(0)
    }
  }

  /** As the engine does with what was committed; by way of JSON, as if it came from disk. */
  private adopt(decision: Decision, now: number): void {
    const kept = <T>(value: T): T => JSON.parse(JSON.stringify(value))
    const probes = new Map(this.world.probes)
    for (const state of decision.probes) probes.set(state.probe, kept(state))
    const incidents = new Map(this.world.incidents)
    for (const is of decision.incidents) incidents.set(is.id, kept(is))
    for (const is of incidents.values())
      if (is.closedAt !== null && now - is.closedAt > rememberMs(this.setup.policy)) incidents.delete(is.id)
    const selfAlerts = new Map(this.world.selfAlerts)
    for (const selfAlert of decision.selfAlerts.set) selfAlerts.set(selfAlert.key, selfAlert)
    for (const key of decision.selfAlerts.cleared) selfAlerts.delete(key)
    const freshSince = Math.max(this.world.freshSince, decision.freshSince)
    this.world = {
      ...this.world,
      probes,
      incidents,
      selfAlerts,
      connectivity: decision.connectivity ?? this.world.connectivity,
      freshSince,
    }
  }
}
