import { FleetStorage } from '../../../src/cli/fleet-storage.ts'
import { HeldBack, terms } from '../../../src/cli/terms.ts'
import type { Config } from '../../../src/config/config.ts'
import { SHARED_PACE } from '../../../src/daemon/probe-scheduler.ts'
import type { Carried, Equipment, Host } from '../../../src/daemon/session.ts'
import type { Mailer } from '../../../src/ports/mailer.ts'
import type { Prober } from '../../../src/ports/prober.ts'
import type { Store } from '../../../src/ports/store.ts'
import type { Calls } from '../../../src/simulate/aws.ts'
import { equipmentOf, logOf } from '../../../src/simulate/equipment.ts'
import type { Surroundings } from '../../../src/simulate/process.ts'
import type { World } from '../../../src/simulate/world.ts'
import type { Dice } from '../dice.ts'
import { plainLetter } from '../live.ts'
import type { SharedDatabase } from './database.ts'
import { Member } from './member.ts'
import { breakable, type StoppableLife } from './stoppable.ts'

/** A machine that does not lead by then stands by. */
const READY_AFTER_MS = 1_500

export type MachineDeps = Readonly<{
  around: Surroundings
  database: SharedDatabase
  name: string
  instance: string
  life: StoppableLife
  /** AWS as this machine sees it. */
  aws: World
  observed: (store: Store, attempt: number) => Store
  dice: Dice
  mayBreak: () => void
  isLost: () => boolean
  isHeard: boolean
  /** It begins to send an email, for it holds that it leads. */
  sends: () => void
  /** A session has begun: this machine leads. */
  leads: () => void
}>

/** The daemon as a process of one of several machines: everything but its ports is what `alibi run` runs. */
export class SimulatedMachine implements Host<Equipment> {
  readonly clock: StoppableLife
  readonly random01: () => number
  readonly log
  readonly organization = () => null
  readonly serve = async () => null
  private readonly deps: MachineDeps
  private readonly storage: FleetStorage
  private readonly member: Member
  private readonly stopping = new AbortController()
  private readonly hangups = new HeldBack()
  /** The configuration that it has read last. */
  private inForce: Config
  private standby: AsyncDisposable | null = null
  private changing: Promise<void> = Promise.resolve()

  constructor(deps: MachineDeps) {
    const { around, life, name } = deps
    this.deps = deps
    this.clock = life
    this.random01 = around.random01
    this.log = logOf({ log: (text) => around.timeline.log(`${name}: ${text}`) })
    this.inForce = around.config()
    this.member = new Member({ ...deps, log: this.log, config: () => nameOf(this.inForce) })
    this.storage = new FleetStorage(this.member, 'in memory', name)
    void this.run()
  }

  /** It reads its configuration again, as at SIGHUP. */
  hangUp(): void {
    if (!this.clock.over) void this.clock.awake().then(() => this.hangups.happen())
  }

  stop(): void {
    this.stopping.abort()
  }

  async lock(): Promise<Disposable> {
    const turn = this.storage.lock()
    const soon = await Promise.race([turn, this.clock.sleep(READY_AFTER_MS, FOR_EVER)])
    if (soon !== undefined) return soon
    this.stands()
    try {
      return await turn
    } finally {
      this.changing = this.changing.then(() => this.standby?.[Symbol.asyncDispose]())
      await this.changing
      this.standby = null
    }
  }

  openStore(): Promise<Store> {
    return this.storage.openStore()
  }

  equip(config: Config, carried: Carried): Equipment {
    const { life, mayBreak, dice } = this.deps
    const deps = this.ports(config, carried)
    const broken = <T extends object>(port: T) => breakable(port, life, mayBreak)
    const sources = [...deps.sources].map(
      ([partition, { api, dashboard }]) =>
        [partition, { api: api && broken(api), dashboard: dashboard && broken(dashboard) }] as const,
    )
    const mailer = this.mailer(broken(deps.mailer))
    return {
      ...deps,
      store: broken(carried.store),
      pace: SHARED_PACE,
      random01: () => dice.random(),
      letter: plainLetter,
      prober: this.storage.dealt(broken(deps.prober), config.monitors),
      sender: (monitor) => ({ ...deps.sender(monitor), machines: this.storage.machines() }),
      mailer: broken(mailer),
      alarmMailer: broken(deps.mailer),
      sources: new Map(sources),
      queue: deps.queue == null ? null : { ...deps.queue, queue: broken(deps.queue.queue) },
      async [Symbol.asyncDispose]() {},
    }
  }

  async reread() {
    return { ok: true, config: this.reads() } as const
  }

  began(): void {
    this.deps.leads()
  }

  reload(): boolean {
    if (this.standby === null) return false
    this.reads()
    this.stands()
    return true
  }

  private reads(): Config {
    this.inForce = this.deps.around.config()
    return this.inForce
  }

  private async run(): Promise<void> {
    const { around, name } = this.deps
    const { storage, log, hangups } = this
    const signals = { stop: this.stopping.signal, kill: new AbortController().signal }
    try {
      await this.member.open()
      await terms({ host: this, storage, log, signals, hangups, config: () => this.inForce })
      await storage[Symbol.asyncDispose]()
    } catch (cause) {
      around.fault(`the daemon of ${name} runs until it is stopped`, `it ended by itself: ${String(cause)}`)
    }
  }

  /** Makes the runs that it is asked for, by the configuration of this moment. */
  private stands(): void {
    this.changing = this.changing.then(async () => {
      await this.standby?.[Symbol.asyncDispose]()
      const { life, mayBreak } = this.deps
      const config = this.inForce
      const { prober } = this.ports(config, { store: this.member.reader, connectivity: null })
      this.standby = this.storage.serve(breakable<Prober>(prober, life, mayBreak), config)
    })
  }

  private ports(config: Config, carried: Carried) {
    const { around, life, aws } = this.deps
    const calls: Calls = { count: 0, control: null }
    return equipmentOf(around, { life, calls, config, carried, aws, mayCall: () => this.storage.mayCall() })
  }

  /** Between the proof that this machine leads and the first packet nothing happens. */
  private mailer(inner: Mailer): Mailer {
    const { sends } = this.deps
    return this.storage.guarded({
      ...inner,
      verify: (signal) => inner.verify(signal),
      close: () => inner.close(),
      send: (mail, signal) => {
        sends()
        return inner.send(mail, signal)
      },
    })
  }
}

const FOR_EVER = new AbortController().signal

const names = new WeakMap<Config, string>()
let named = 0

/** Machines that have read the same have the same name for it. */
function nameOf(config: Config): string {
  const name = names.get(config) ?? `configuration ${named++}`
  names.set(config, name)
  return name
}
