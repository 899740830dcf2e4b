import type { HealthReading } from '../domain/outage.ts'
import type { Partition } from '../domain/probe.ts'
import type { Setup } from '../domain/setup.ts'
import type { World } from '../domain/state.ts'

/** What the daemon knows at this moment; asked for anew at each request, so that a reload shows. */
export type View = Readonly<{
  world: World
  setup: Setup
  /** The last reading of each partition. */
  readings: ReadonlyMap<Partition, HealthReading>
  /** Endpoints that are not AWS's own, each `NAME=address`. */
  overrides: readonly string[]
  version: string
}>

/** What `/healthz` says: whether Alibi itself does its work, whatever AWS does. */
export type Health = Readonly<{ ok: boolean; reasons: readonly string[] }>
