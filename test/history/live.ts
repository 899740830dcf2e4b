import type { DaemonDeps } from '../../src/daemon/daemon.ts'
import type { Incident } from '../../src/domain/incident.ts'
import type { LedgerRow } from '../../src/domain/ledger.ts'
import type { Notification } from '../../src/domain/notification.ts'
import type { Delivery } from '../../src/email/delivery.ts'
import type { Mail } from '../../src/ports/mailer.ts'
import { type Disk, newDisk } from '../../src/simulate/disk/disk.ts'
import type { Life } from '../../src/simulate/life.ts'
import { type Played, play, type Rigged } from '../../src/simulate/play.ts'
import { Dice } from './dice.ts'
import type { Drawn } from './draw.ts'

/** What was committed, and when that truly was. */
type Committed = Readonly<{
  at: number
  incidents: readonly Incident[]
  notifications: readonly Notification[]
  ledger: readonly LedgerRow[]
}>

/** A history that was played: what became of it, as the mail server and the disk have it. */
export type Lived = Readonly<{
  drawn: Drawn
  played: Played
  disk: Disk
  committed: readonly Committed[]
  /** True times between which no daemon ran. */
  downs: readonly Readonly<{ from: number; to: number }>[]
  /** True times at which a process began, reloads apart. */
  starts: readonly number[]
}>

/** How often a kill follows upon a decision at once, where kills come at effects. */
const AFTER_A_DECISION = 0.06
/** In one of so many histories, the emails are written in full. */
const LETTERS_EVERY = 8

export function plainLetter(
  { messageId, to, kind, incident, inReplyTo, createdAt, facts }: Notification,
  { attempts, lateBecause, now, merged }: Delivery,
): Mail {
  const headers = { 'X-Alibi-Kind': kind, ...(incident === null ? {} : { 'X-Alibi-Incident': incident }) }
  const text = [facts.reason, attempts, lateBecause, now, merged?.why, merged?.facts.reason].join('\n')
  return { messageId, to, envelope: to, subject: facts.subject, text, html: null, inReplyTo, headers, date: createdAt }
}

/** Plays what was drawn: the real engine, killed wherever the dice say. */
export async function live(drawn: Drawn): Promise<Lived> {
  const dice = new Dice(drawn.seed ^ 0x5eed)
  const committed: Committed[] = []
  const downs: { from: number; to: number }[] = []
  const starts: number[] = []
  const kept: { disk: Disk } = { disk: newDisk() }
  const { atEffect, everyMs, downMs } = drawn.kills

  const rig = (deps: DaemonDeps, { life, disk, elapsed, killFor }: Rigged): DaemonDeps => {
    kept.disk = disk
    // A reload is no start.
    if (deps.connectivity == null) starts.push(elapsed())
    const die = () => {
      if (life.over || elapsed() >= drawn.calmFrom) return
      const forMs = 1_000 + dice.wait(downMs)
      downs.push({ from: elapsed(), to: elapsed() + forMs })
      killFor(forMs)
    }
    if (everyMs > 0) life.after(dice.wait(everyMs), die)
    const coin = () => {
      if (atEffect > 0 && dice.chance(atEffect)) die()
    }
    const store = {
      ...deps.store,
      commit: async (change: Parameters<typeof deps.store.commit>[0]) => {
        await deps.store.commit(change)
        const { incidents, notifications, ledger } = change
        committed.push({ at: elapsed(), incidents, notifications, ledger })
        // The moment that matters most: something was decided, and nobody has been notified.
        if (ledger.length > 0 && atEffect > 0 && dice.chance(AFTER_A_DECISION)) die()
      },
      settle: async (...given: Parameters<typeof deps.store.settle>) => {
        await deps.store.settle(...given)
        committed.push({ at: elapsed(), incidents: [], notifications: given[2] ?? [], ledger: given[1] })
      },
    }
    const sources = new Map(
      [...deps.sources].map(([partition, { api, dashboard }]) => [
        partition,
        { api: api && fragile(api, life, coin), dashboard: dashboard && fragile(dashboard, life, coin) },
      ]),
    )
    const boot = `boot ${starts.length}`
    const clock = { ...deps.clock, moment: () => ({ boot, uptime: elapsed(), awake: elapsed() }) }
    return {
      ...deps,
      clock: drawn.boots ? clock : deps.clock,
      // Some histories write the whole email; for the others its headers are enough, at a fifth of the time.
      letter: drawn.seed % LETTERS_EVERY === 0 ? deps.letter : plainLetter,
      store: fragile(store, life, coin),
      prober: fragile(deps.prober, life, coin),
      mailer: fragile(deps.mailer, life, coin),
      sources,
      queue: deps.queue == null ? null : { ...deps.queue, queue: fragile(deps.queue.queue, life, coin) },
    }
  }
  const played = await play(drawn.scenario, { rig })
  return { drawn, played, disk: kept.disk, committed, downs, starts }
}

/** Before and after each effect, the process may be killed: then nothing of it happens, or nobody learns that it did. */
function fragile<T extends object>(port: T, life: Life, coin: () => void): T {
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => {
        coin()
        if (life.over) return never()
        const done: unknown = Reflect.apply(value, target, given)
        if (!(done instanceof Promise)) return done
        return done.then(
          (result) => {
            coin()
            return life.over ? never() : result
          },
          (cause) => {
            coin()
            if (life.over) return never()
            throw cause
          },
        )
      }
    },
  })
}

function never(): Promise<never> {
  return new Promise(() => {})
}
