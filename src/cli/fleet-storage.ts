import { hostname } from 'node:os'
import { systemClock } from '../adapters/clock.ts'
import type { PostgresFleet } from '../adapters/postgres/fleet.ts'
import type { Config } from '../config/config.ts'
import type { Postgres } from '../config/storage-schema.ts'
import { DealtProber } from '../daemon/dealt-prober.ts'
import { Reach } from '../daemon/reach.ts'
import type { Claim } from '../ports/fleet.ts'
import type { Log } from '../ports/log.ts'
import { MailError, type Mailer } from '../ports/mailer.ts'
import type { Prober } from '../ports/prober.ts'
import { type DaemonStorage, OverError } from './daemon-storage.ts'
import { sharedConfigName } from './shared-config.ts'
import { VERSION } from './version.ts'

/** An email that is being sent when another machine should lead has so long to be accepted. */
const RESIGNED_WITHIN_MS = 2_000

/** How a term ends: what is under way may end as well, or not. */
type Ending = Readonly<{ stop: () => void; kill: () => void }>

type Around = Readonly<{
  log: Log
  /** Called after each call of the store. */
  observe: (method: string, ms: number) => void
  /** The configuration that is in force. */
  config: () => Config
}>

/** Joins the machines that share this database. @throws {StoreError} */
export async function fleetStorage(postgres: Postgres, { log, observe, config }: Around): Promise<DaemonStorage> {
  const { openFleet } = await import('../adapters/postgres/fleet.ts')
  const host = hostname()
  const machine = { name: config().machine.name ?? host, host, version: VERSION, config: () => sharedConfigName(config()) }
  const fleet = await openFleet({ ...postgres, machine, clock: systemClock, log, observe })
  const { host: at, pathname } = new URL(postgres.url)
  return new FleetStorage(fleet, `${at}${pathname}, schema ${postgres.schema}`, machine.name)
}

/** A database that several machines share: one of them decides at a time, for as long as it holds its claim. */
export class FleetStorage implements DaemonStorage {
  readonly isShared = true
  readonly place: string
  private readonly fleet: PostgresFleet
  private readonly reach: Reach
  private readonly machine: string
  private claim: Claim | null = null
  private ending: Ending | null = null
  private over: AbortSignal = new AbortController().signal
  private releasing: Promise<void> = Promise.resolve()

  constructor(fleet: PostgresFleet, place: string, machine: string) {
    this.fleet = fleet
    this.machine = machine
    this.reach = new Reach((reaches) => fleet.reaches(reaches))
    this.place = place
  }

  get clock() {
    return this.fleet.clock
  }

  reader() {
    return this.fleet.reader
  }

  beside() {
    return this.fleet.beside
  }

  term({ stop, kill }: { stop: AbortSignal; kill: AbortSignal }) {
    this.over = stop
    const [stopping, killing] = [relayed(stop), relayed(kill)]
    this.ending = {
      stop: () => stopping.abort(),
      kill: () => {
        stopping.abort()
        killing.abort()
      },
    }
    return { stop: stopping.signal, kill: killing.signal }
  }

  async lock(): Promise<Disposable> {
    await this.releasing
    const claim = await this.fleet.lead(this.over)
    if (claim === null) throw new OverError('asked to stop')
    this.claim = claim
    if (this.ending !== null) this.endWith(claim, this.ending)
    return {
      [Symbol.dispose]: () => {
        this.claim = null
        this.releasing = claim.release()
      },
    }
  }

  /** Ends the term with the claim: at once where it is lost, for what is in flight could no longer be stored. */
  private endWith({ lost, resigned }: Claim, { stop, kill }: Ending): void {
    whenAborted(lost, kill)
    whenAborted(resigned, () => {
      stop()
      void this.clock.sleep(RESIGNED_WITHIN_MS, lost).then(kill)
    })
  }

  async openStore() {
    if (this.claim === null) throw new Error('there is no claim')
    return this.claim.store
  }

  dealt(prober: Prober, monitors: Config['monitors']): Prober {
    const { claim, reach } = this
    return claim === null
      ? prober
      : new DealtProber({ own: prober, dealer: claim.dealer, reach, monitors, machine: this.machine })
  }

  serve(prober: Prober, { health }: Config): AsyncDisposable {
    const { fleet, reach, machine } = this
    const over = new AbortController()
    const watching = reach.watch(prober, fleet.clock, { idleEveryMs: health.idleEveryMs, signal: over.signal })
    const hand = fleet.serve(async (probe, signal) => {
      if (reach.isCutOff) return null
      const outcome = await reach.judge(await prober.run(probe, signal), prober, signal)
      // It was not made, or not to its end.
      if (signal.aborted || outcome.tries.length === 0) return null
      return reach.isCutOff ? null : { ...outcome, machine }
    })
    return {
      async [Symbol.asyncDispose]() {
        over.abort('asked to stop')
        await hand[Symbol.asyncDispose]()
        await watching
      },
    }
  }

  machines(): readonly string[] {
    return this.claim?.dealer.machines() ?? []
  }

  mayCall(): boolean {
    return this.claim === null ? this.fleet.mayServe() : this.claim.isLive()
  }

  guarded(mailer: Mailer): Mailer {
    const { claim } = this
    return {
      verify: (signal) => mailer.verify(signal),
      close: () => mailer.close(),
      async send(mail, signal) {
        if (claim?.isLive() === true) return mailer.send(mail, signal)
        const message = 'this machine cannot tell whether it still leads: whoever leads sends this'
        throw new MailError(message, { permanent: false, uncertain: false })
      },
    }
  }

  members() {
    return this.fleet.members()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.releasing
    await this.fleet.close()
  }
}

function whenAborted(signal: AbortSignal, run: () => void): void {
  if (signal.aborted) run()
  else signal.addEventListener('abort', run, { once: true })
}

/** A controller that aborts with `from`, by hand: Node keeps what `AbortSignal.any` makes until it aborts. */
function relayed(from: AbortSignal): AbortController {
  const to = new AbortController()
  if (from.aborted) to.abort(from.reason)
  else from.addEventListener('abort', () => to.abort(from.reason), { once: true })
  return to
}
