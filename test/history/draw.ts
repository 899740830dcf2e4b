import type { Source } from '../../src/domain/outage.ts'
import type { Scope } from '../../src/domain/scope.ts'
import { ANSWERS, type Answer } from '../../src/simulate/answers.ts'
import type { Deed, EventFields, Happening, Scenario, SmtpState } from '../../src/simulate/scenario.ts'
import { Dice } from './dice.ts'
import { type Fleet, fleetOf, PICKY } from './fleet.ts'
import { withQueue } from './queue.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const START = Date.UTC(2026, 2, 2, 12)

/** What an event can be to a failure: known from how it was made, not from how it is judged. */
type Bearing = 'explains' | 'does not' | 'perhaps'
/** Of a published event: what it is to failures of Account (us-east-1) and of STS (us-west-2, where these monitors call it). */
type Bearings = Readonly<Record<'ACCOUNT' | 'STS', Bearing>>

type Kind = Readonly<{ event: EventFields & Readonly<{ service: string }>; bearings: Bearings }>
const NOTHING: Bearings = { ACCOUNT: 'does not', STS: 'does not' }
const OURS: Bearings = { ACCOUNT: 'explains', STS: 'does not' }
const KINDS: readonly (readonly [number, Kind])[] = [
  [3, { event: { service: 'ACCOUNT', region: 'us-east-1', text: 'We are investigating.' }, bearings: OURS }],
  [4, { event: { service: 'IAM', region: 'us-east-1', text: 'Increased error rates.' }, bearings: OURS }],
  [
    2,
    {
      event: { service: 'IAM', region: 'global', text: 'Increased error rates.' },
      bearings: { ACCOUNT: 'explains', STS: 'explains' },
    },
  ],
  [
    3,
    {
      event: {
        service: 'MULTIPLE_SERVICES',
        region: 'us-east-1',
        text: 'Operational issue.',
        impacted: ['account', 'ec2'],
        in: ['dashboard'],
      },
      bearings: OURS,
    },
  ],
  [
    2,
    {
      event: {
        service: 'MULTIPLE_SERVICES',
        region: 'us-east-1',
        text: 'Operational issue.',
        impacted: ['ec2', 'rds'],
        in: ['dashboard'],
      },
      bearings: NOTHING,
    },
  ],
  [4, { event: { service: 'IAM', region: 'eu-west-1', text: 'Increased error rates.' }, bearings: NOTHING }],
  [
    2,
    {
      event: { service: 'ACCOUNT', region: 'us-west-2', text: 'Elsewhere.' },
      bearings: { ACCOUNT: 'does not', STS: 'does not' },
    },
  ],
  [2, { event: { service: 'EC2', region: 'us-east-1', text: 'Instances.' }, bearings: NOTHING }],
  [2, { event: { service: 'IAM', region: 'global', text: 'Errors in EU-NORTH-1 (Stockholm) only.' }, bearings: NOTHING }],
  [2, { event: { service: 'STS', region: 'us-west-2', text: 'Errors.' }, bearings: { ACCOUNT: 'does not', STS: 'explains' } }],
  [
    1,
    {
      event: {
        service: 'IAM',
        region: 'us-east-1',
        category: 'scheduledChange',
        code: 'AWS_IAM_MAINTENANCE_SCHEDULED',
        text: 'Maintenance.',
      },
      bearings: NOTHING,
    },
  ],
  [
    1,
    {
      event: {
        service: 'ACCOUNT',
        region: 'us-east-1',
        category: 'accountNotification',
        code: 'AWS_ACCOUNT_NOTICE',
        scope: 'ACCOUNT_SPECIFIC',
        text: 'A notice.',
      },
      bearings: NOTHING,
    },
  ],
]

/** An event as it stood between two changes of what AWS says. */
export type Posted = Readonly<{
  id: string
  from: number
  to: number
  bearings: Bearings
  startsAt: number
  in: readonly Source[]
  /** By the queue it may be known for so much longer. */
  lingersMs?: number
}>

export type Drawn = Readonly<{
  seed: number
  scenario: Scenario
  fleet: Fleet
  /** When all is well, and only has to settle. */
  calmFrom: number
  posted: readonly Posted[]
  /** Chance to be killed before, and after, any effect; and the mean time between kills at any moment, 0: none. */
  kills: Readonly<{ atEffect: number; everyMs: number; downMs: number }>
  /** The machine is booted with each start of the daemon: no clock tells for how long nobody ran. */
  boots: boolean
}>

const OUTAGE: readonly Answer[] = ['InternalServerException', '500', '503-html', '200-garbage', 'timeout', 'reset', 'refused']
const MISCONFIGURED: readonly Answer[] = ['AccessDeniedException', 'ValidationException', 'ExpiredTokenException']
const SETTLES_MS = 50 * MINUTE

const EVERYTHING: Scope = { monitors: [], accounts: [], operations: [], regions: [] }
/** Of the fleets' probes all, some or, in some fleets, none. */
const SCOPES: readonly (readonly [number, Scope])[] = [
  [4, EVERYTHING],
  [2, { ...EVERYTHING, accounts: ['111111111111'] }],
  [1, { ...EVERYTHING, accounts: ['222222222222', 'self'] }],
  [1, { ...EVERYTHING, monitors: ['a'] }],
  [1, { ...EVERYTHING, monitors: ['b', 'default'] }],
  [1, { ...EVERYTHING, operations: ['GetContactInformation'] }],
]

/** In one of so many histories the machine is booted with each start. */
const BOOTS_EVERY = 4

/** How long something happens, in minutes. */
const AFTERNOON = { from: 35, to: 90 } as const

/** Draws a whole history: what happens to AWS, to us and to the emails, and what is true in it. */
export function draw(seed: number, lasts: Readonly<{ from: number; to: number }> = AFTERNOON): Drawn {
  const dice = new Dice(seed)
  const fleet = fleetOf({
    fleet: dice.between(0, 1),
    wait: dice.chance(0.3) ? 1 : 0,
    mails: dice.chance(0.15) ? 1 : 0,
    extensions: dice.chance(0.25),
    late: new Dice(seed ^ 0x1a7e).chance(0.4),
  })
  const calmFrom = dice.between(lasts.from, lasts.to) * MINUTE
  const story = new Story({ dice, aside: new Dice(seed ^ 0xadd), hush: new Dice(seed ^ 0x51e) }, fleet, calmFrom)
  story.tell()
  const { happenings, posted } = withQueue(story, new Dice(seed ^ 0x5e5), calmFrom)
  const killing = dice.weighted([
    [3, 0],
    [3, 0.0015],
    [2, 0.006],
    [1, 0.03],
  ])
  return {
    seed,
    scenario: {
      file: `seed ${seed}`,
      title: `seed ${seed}`,
      start: START,
      lengthMs: calmFrom + SETTLES_MS,
      config: fleet.begin,
      happenings: happenings.toSorted((a, b) => a.at - b.at),
      expectations: [],
      notes: [],
    },
    fleet,
    calmFrom,
    posted,
    kills: {
      atEffect: killing,
      everyMs: dice.chance(0.4) ? dice.between(8, 40) * MINUTE : 0,
      downMs: dice.pick([5, 20, 60, 240]) * SECOND,
    },
    boots: seed % BOOTS_EVERY === 0,
  }
}

class Story {
  readonly happenings: Happening[] = []
  readonly posted: Posted[] = []
  private readonly open = new Map<string, { from: number; kind: Kind; startsAt: number; doubtful: boolean }>()
  private readonly dice: Dice
  private readonly aside: Dice
  private readonly hush: Dice
  private readonly fleet: Fleet
  private readonly calmFrom: number
  private events = 0

  constructor({ dice, aside, hush }: Readonly<Record<'dice' | 'aside' | 'hush', Dice>>, fleet: Fleet, calmFrom: number) {
    this.dice = dice
    this.aside = aside
    this.hush = hush
    this.fleet = fleet
    this.calmFrom = calmFrom
  }

  tell(): void {
    const { dice } = this
    // Each strand goes its own way; what differs between histories is how busy each of them is.
    this.strand(dice.pick([5, 10, 20]), (at) => this.account(at))
    this.strand(dice.pick([8, 15, 40]), (at) => this.aws(at))
    this.strand(dice.pick([20, 60, 400]), (at) => this.asking(at))
    this.strand(dice.pick([20, 60, 400]), (at) => this.mail(at))
    this.strand(dice.pick([80, 400, 400]), (at) => this.disk(at))
    this.strand(dice.pick([30, 120, 400, 400]), (at) => this.clock(at))
    this.strand(dice.pick([12, 40, 400]), (at) => this.add(at, { verb: 'reload', config: dice.pick(this.fleet.others) }))
    this.strand(dice.pick([20, 80, 400]), (at) => this.network(at))
    this.strand(dice.pick([30, 400, 400]), (at) => this.silence(at, dice.between(5, 30) * MINUTE))
    for (let n = this.hush.pick([0, 0, 1, 3]); n > 0; n--)
      this.silence(this.hush.between(0, this.calmFrom, SECOND), this.hush.between(5, 30) * MINUTE)
    this.settle()
  }

  private strand(meanMinutes: number, act: (at: number) => void): void {
    let at = this.dice.wait(meanMinutes * MINUTE)
    while (at < this.calmFrom) {
      act(Math.round(at / SECOND) * SECOND)
      at += SECOND + this.dice.wait(meanMinutes * MINUTE)
    }
  }

  private add(at: number, deed: Deed): void {
    if (at < this.calmFrom) this.happenings.push({ at, deed })
  }

  private silence(at: number, forMs: number): void {
    const { hush } = this
    const scope = hush.weighted(SCOPES)
    const from = hush.chance(0.3) ? { since: at + hush.between(1, 15) * MINUTE } : null
    this.add(at, { verb: 'silence', scope, from, forMs, reason: 'we know', by: 'anna' })
  }

  private account(at: number): void {
    const { dice } = this
    const answer = dice.weighted<() => Answer>([
      [6, () => 'ok'],
      [8, () => dice.pick(OUTAGE)],
      [2, () => dice.pick(MISCONFIGURED)],
      [1, () => '429'],
      [1, () => 'sts-500'],
      [0.3, () => dice.pick(ANSWERS)],
    ])()
    const probe = dice.chance(0.65) ? null : dice.pick(this.fleet.begin.monitors.flatMap((monitor) => monitor.probes))
    const byAccount = dice.chance(0.5)
    this.add(at, {
      verb: 'account',
      answer,
      operation: probe === null || byAccount ? null : probe.call.operation,
      account: probe === null || !byAccount ? null : probe.account,
    })
  }

  private aws(at: number): void {
    const { dice } = this
    const id = dice.chance(0.5) && this.open.size > 0 ? dice.pick([...this.open.keys()]) : null
    if (id === null) {
      this.publish(at, dice.weighted(KINDS))
      return
    }
    const what = dice.weighted<'text' | 'date' | 'close' | 'withdraw'>([
      [2, 'text'],
      [1, 'date'],
      [3, 'close'],
      [1, 'withdraw'],
    ])
    const was = this.open.get(id)
    if (was === undefined) return
    switch (what) {
      case 'text':
        this.add(at, { verb: 'update', id, event: { text: 'We continue to work on it.' } })
        return
      case 'date':
        // Re-dated: whether it still explains is the judge's own affair.
        this.add(at, { verb: 'update', id, event: { start: START + at - dice.between(0, 90) * MINUTE } })
        this.past(id, at)
        this.open.set(id, { ...was, from: at, doubtful: true })
        return
      case 'close':
      case 'withdraw':
        this.add(at, what === 'close' ? { verb: 'close', id, event: { text: 'It is resolved.' } } : { verb: 'withdraw', id })
        this.past(id, at)
        this.open.delete(id)
    }
  }

  private publish(at: number, kind: Kind): void {
    const { dice } = this
    this.events += 1
    const id = `e${this.events}`
    const stale = dice.chance(0.1)
    const early = stale
      ? 300
      : dice.weighted<number>([
          [5, 0],
          [2, dice.between(1, 60)],
        ])
    const startsAt = at - early * MINUTE
    const sources =
      dice.weighted<EventFields['in']>([
        [6, undefined],
        [1, ['api']],
        [1, ['dashboard']],
      ]) ?? kind.event.in
    const event = {
      ...kind.event,
      ...(sources === undefined || kind.event.in !== undefined ? {} : { in: sources }),
      ...(early === 0 ? {} : { start: START + startsAt }),
      ...(stale ? { updated: START + startsAt } : {}),
    }
    this.add(at, { verb: 'publish', id, event })
    this.open.set(id, { from: at, kind: { ...kind, event }, startsAt, doubtful: stale })
  }

  /** What an event was until now. */
  private past(id: string, to: number): void {
    const was = this.open.get(id)
    if (was === undefined) return
    const { from, kind, startsAt, doubtful } = was
    const doubted = (bearing: Bearing): Bearing => (doubtful && bearing === 'explains' ? 'perhaps' : bearing)
    const bearings = { ACCOUNT: doubted(kind.bearings.ACCOUNT), STS: doubted(kind.bearings.STS) }
    const shown =
      kind.event.in ?? (kind.event.scope === 'ACCOUNT_SPECIFIC' ? ['api' as const] : ['api' as const, 'dashboard' as const])
    this.posted.push({ id, from, to, bearings, startsAt, in: shown })
  }

  private asking(at: number): void {
    const { dice } = this
    const lasts = dice.wait(8 * MINUTE) + SECOND
    if (dice.chance(0.5)) {
      this.add(at, { verb: 'api', state: dice.pick(['unavailable', 'throttled', 'unavailable', 'subscription-required']) })
      this.add(at + lasts, { verb: 'api', state: 'ok' })
    } else {
      this.add(at, { verb: 'dashboard', state: dice.pick(['unavailable', 'empty-body']) })
      this.add(at + lasts, { verb: 'dashboard', state: 'ok' })
    }
  }

  private mail(at: number): void {
    const { dice } = this
    const state = dice.pick(['down', 'deferring', 'deferring', 'rejecting', 'hanging'] as const)
    this.add(at, { verb: 'smtp', state: this.choosy() ?? state })
    this.add(at + dice.wait(10 * MINUTE) + SECOND, { verb: 'smtp', state: 'up' })
  }

  /** What the mail server says to single addresses, or that nobody may log in; as often `null`: drawn apart, it moves nothing else. */
  private choosy(): SmtpState | null {
    const { aside } = this
    if (aside.chance(0.15)) return 'no-login'
    if (aside.chance(0.35)) return null
    const some = () => PICKY.filter(() => aside.chance(0.35))
    return { refuse: aside.chance(0.6) ? some() : [], defer: aside.chance(0.6) ? some() : [] }
  }

  private network(at: number): void {
    const { dice } = this
    this.add(at, { verb: 'network', up: false })
    // Often so short that it is over before anybody could call it a spell.
    const lasts = dice.chance(0.4) ? dice.between(3, 40) * SECOND : dice.wait(8 * MINUTE) + SECOND
    this.add(at + lasts, { verb: 'network', up: true })
  }

  private disk(at: number): void {
    this.add(at, { verb: 'disk', full: true })
    this.add(at + this.dice.wait(3 * MINUTE) + SECOND, { verb: 'disk', full: false })
  }

  /** Not at the very moment at which schedules fire: a clock that leaps over a fire has no such fire. */
  private clock(at: number): void {
    this.add(at + SECOND / 2, { verb: 'clock', byMs: this.dice.pick([-180, -20, -2, 2, 20, 180]) * MINUTE })
  }

  /** All is well from here on: what is owed can leave, and what is open can end. */
  private settle(): void {
    const at = this.calmFrom
    const deeds: Deed[] = [
      { verb: 'network', up: true },
      { verb: 'disk', full: false },
      { verb: 'smtp', state: 'up' },
      { verb: 'api', state: 'ok' },
      { verb: 'dashboard', state: 'ok' },
      { verb: 'account', answer: 'ok', operation: null, account: null },
    ]
    for (const deed of deeds) this.happenings.push({ at, deed })
    for (const id of this.open.keys()) this.past(id, Number.POSITIVE_INFINITY)
    this.happenings.push({ at: at + 3 * MINUTE, deed: { verb: 'reload', config: this.fleet.end } })
  }
}
