import type { HealthReading } from '../domain/outage.ts'
import type { Partition } from '../domain/probe.ts'
import type { Setup } from '../domain/setup.ts'
import type { World } from '../domain/state.ts'
import type { Members } from '../ports/fleet.ts'

/** What the daemon knows at this moment. It is asked for at each request, so that the page follows a reload. */
export type View = Readonly<{
  world: World
  setup: Setup
  /** The latest reading of each partition. */
  readings: ReadonlyMap<Partition, HealthReading>
  /** Endpoints that are not AWS's own, each as `NAME=address`. */
  overrides: readonly string[]
  digest: Readonly<{ schedule: string; timezone: string }> | null
  version: string
}>

/** The answer of `/healthz`: whether Alibi itself works, whatever AWS does. */
export type Health = Readonly<{
  ok: boolean
  reasons: readonly string[]
  /** The machines that share the database; left out where there is only this one. */
  members?: Members
}>
