import { isServiceCall, type Probe } from '../domain/probe.ts'
import type { Answer } from './answers.ts'
import { HealthBoard } from './board.ts'
import { AT_ONCE, EventQueue } from './event-queue.ts'
import type { ApiState, DashboardState, SmtpState, WorldDeed } from './scenario.ts'

/** Which probes an answer is meant for: of Account, or of other services; of these, `null`: every one. */
type Target = Extract<WorldDeed, { verb: 'account' | 'service' }>

function isMeant(target: Target, { account, call }: Probe): boolean {
  const matches = (wanted: string | null, is: string) => wanted === null || wanted === is
  if (target.verb === 'account')
    return !isServiceCall(call) && matches(target.operation, call.operation) && matches(target.account, account)
  if (!isServiceCall(call)) return false
  const [service = '', operation = ''] = call.operation.split(':')
  return matches(target.service, service) && matches(target.operation, operation) && matches(target.region, call.region)
}

/** An answer for every probe replaces all earlier answers of its kind. */
function isWhole(target: Target): boolean {
  if (target.verb === 'account') return target.operation === null && target.account === null
  return target.service === null && target.operation === null && target.region === null
}

/** A limited Health API lets one call through in this time. */
const LIMITED_EVERY_MS = 1_000

/** AWS, the network, the mail server and the disk, as they are at this moment of the story. */
export class World {
  readonly board: HealthBoard
  networkUp = true
  smtp: SmtpState = 'up'
  api: ApiState = 'ok'
  dashboard: DashboardState = 'ok'
  diskFull = false
  readonly queue: EventQueue
  /** EventBridge delivers what AWS publishes. */
  readonly isQueued: boolean
  private targets: readonly Target[] = []
  /** When a limited Health API lets the next call through. */
  private nextCallAt = 0
  private readonly trueNow: () => number

  /** @param trueNow what the time really is, whatever the daemon's clock says */
  constructor(trueNow: () => number, isQueued = false) {
    this.trueNow = trueNow
    this.isQueued = isQueued
    this.board = new HealthBoard(isQueued)
    this.queue = new EventQueue(trueNow)
  }

  /** The wall clock of everybody but the daemon. */
  now(): number {
    return this.trueNow()
  }

  /** Whether the Health API lets a call through: if it is limited, one a second. */
  letsThrough(): boolean {
    if (this.api === 'throttled') return false
    if (this.api !== 'limited') return true
    const now = this.now()
    if (now < this.nextCallAt) return false
    this.nextCallAt = now + LIMITED_EVERY_MS
    return true
  }

  answerTo(probe: Probe): Answer {
    return this.targets.findLast((target) => isMeant(target, probe))?.answer ?? 'ok'
  }

  apply(deed: WorldDeed): void {
    this.change(deed)
    if (deed.verb === 'publish' || deed.verb === 'update' || deed.verb === 'close') {
      const event = this.board.forQueue(deed.id, this.now())
      if (event !== null) this.queue.put(event, deed.delivery ?? AT_ONCE)
    }
    this.queue.wake()
  }

  private change(deed: WorldDeed): void {
    switch (deed.verb) {
      case 'account':
      case 'service':
        this.targets = [...this.targets.filter(({ verb }) => !isWhole(deed) || verb !== deed.verb), deed]
        return
      case 'publish':
        this.board.publish(deed.id, deed.event, this.now())
        return
      case 'update':
        this.board.update(deed.id, deed.event, this.now())
        return
      case 'close':
        this.board.close(deed.id, deed.event, this.now())
        return
      case 'withdraw':
        this.board.withdraw(deed.id)
        return
      case 'api':
        this.api = deed.state
        return
      case 'dashboard':
        this.dashboard = deed.state
        return
      case 'queue':
        this.queue.state = deed.state
        return
      case 'network':
        this.networkUp = deed.up
        return
      case 'smtp':
        this.smtp = deed.state
        return
      case 'disk':
        this.diskFull = deed.full
        return
    }
  }
}
