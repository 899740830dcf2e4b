import type { Operation, Probe } from '../domain/probe.ts'
import type { Answer } from './answers.ts'
import { HealthBoard } from './board.ts'
import { AT_ONCE, EventQueue } from './event-queue.ts'
import type { ApiState, DashboardState, SmtpState, WorldDeed } from './scenario.ts'

/** Which probes an answer is meant for; `null`: every one. */
type Target = Readonly<{ operation: Operation | null; account: string | null; answer: Answer }>

/** What a limited Health API lets through: one call in so much time. */
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
  /** EventBridge tells what AWS publishes. */
  readonly isQueued: boolean
  private targets: readonly Target[] = []
  /** When the Health API lets the next call through, where it is limited. */
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

  /** Whether the Health API lets a call through: where it is limited, one a second. */
  letsThrough(): boolean {
    if (this.api === 'throttled') return false
    if (this.api !== 'limited') return true
    const now = this.now()
    if (now < this.nextCallAt) return false
    this.nextCallAt = now + LIMITED_EVERY_MS
    return true
  }

  answerTo(probe: Probe): Answer {
    const meant = this.targets.findLast(
      ({ operation, account }) =>
        (operation === null || operation === probe.call.operation) && (account === null || account === probe.account),
    )
    return meant?.answer ?? 'ok'
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
      case 'account': {
        const { operation, account, answer } = deed
        // What holds for every probe leaves nothing of what was said before.
        this.targets = operation === null && account === null ? [deed] : [...this.targets, { operation, account, answer }]
        return
      }
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
