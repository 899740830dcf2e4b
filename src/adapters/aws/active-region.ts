import { Resolver } from 'node:dns/promises'
import { partitionOf } from '../../domain/policy.ts'
import { type Instant, MINUTE_MS, type Partition } from '../../domain/probe.ts'
import { isRegion } from '../../domain/region.ts'
import { within } from '../stall.ts'

/** An answer about the active region is believed for this long. The record's own time to live is 10 s. */
export const ACTIVE_REGION_TTL_MS = MINUTE_MS
/** Longest look-up: a DNS problem must leave time for the call itself. */
const LOOK_UP_MS = 2_000
/** Most names in an answer that are looked at. */
const MAX_NAMES = 10

/**
 * Where AWS Health answers, by partition: the name whose CNAME tells the active region, and the regions in the order in
 * which they are tried when it cannot be looked up (AWS Health user guide, "Using the high availability endpoint"; the
 * name of aws-us-gov is botocore's). aws-eusc has one region and no such name.
 */
export const HEALTH_HOMES: Readonly<
  Record<Partition, Readonly<{ name: string | null; regions: readonly [string, ...string[]] }>>
> = {
  aws: { name: 'global.health.amazonaws.com', regions: ['us-east-1', 'us-east-2'] },
  'aws-cn': { name: 'global.health.amazonaws.com.cn', regions: ['cn-northwest-1', 'cn-north-1'] },
  'aws-us-gov': { name: 'global.health.us-gov.amazonaws.com', regions: ['us-gov-west-1', 'us-gov-east-1'] },
  'aws-eusc': { name: null, regions: ['eusc-de-east-1'] },
}

export type ResolveCname = (name: string) => Promise<readonly string[]>

/** The regions to ask, in turn. `known` says that there is one, and that it is the active one. */
export type Candidates = Readonly<{ regions: readonly [string, ...string[]]; known: boolean }>

export type ActiveRegion = Readonly<{
  /** Never rejects: where the name cannot be looked up, the last known region and then the partition's own are tried. */
  candidates(now: Instant, signal: AbortSignal): Promise<Candidates>
  /** Looks again, now: the region that is active instead of `region`, or `null` while nothing says that it has changed. */
  moved(region: string, now: Instant, signal: AbortSignal): Promise<string | null>
}>

/**
 * Both of Health's endpoints answer, but only the active one has the latest; which one that is can change at any time. So
 * the ambient region (AWS_REGION) never comes into it: in most regions there is no Health endpoint at all.
 */
export function activeRegion(partition: Partition, resolveCname: ResolveCname = systemCname): ActiveRegion {
  const { name, regions } = HEALTH_HOMES[partition]
  let active: string | null = null
  let looked: Readonly<{ at: Instant; found: boolean }> | null = null

  async function look(now: Instant, signal: AbortSignal): Promise<boolean> {
    if (name === null) return false
    const names = await within(LOOK_UP_MS, signal, () => resolveCname(name)).catch(() => [])
    const found = regionOfTarget(names, partition)
    active = found ?? active
    looked = { at: now, found: found !== null }
    return found !== null
  }

  return {
    async candidates(now, signal) {
      if (name === null) return { regions, known: true }
      const fresh = looked !== null && now >= looked.at && now - looked.at < ACTIVE_REGION_TTL_MS
      const known = fresh && looked !== null ? looked.found : await look(now, signal)
      if (active === null) return { regions, known: false }
      return known ? { regions: [active], known } : { regions: [active, ...regions.filter((region) => region !== active)], known }
    },
    async moved(region, now, signal) {
      return (await look(now, signal)) && active !== region ? active : null
    },
  }
}

/** The second label of the target, `health.us-east-2.amazonaws.com`, if it is a region of this partition. */
function regionOfTarget(names: readonly string[], partition: Partition): string | null {
  for (const target of names.slice(0, MAX_NAMES)) {
    const region = target.split('.')[1]?.toLowerCase() ?? ''
    if (/^health\./i.test(target) && isRegion(region) && partitionOf(region) === partition) return region
  }
  return null
}

/** `dns.lookup` gives no canonical name; this asks the name servers of resolv.conf. */
function systemCname(name: string): Promise<string[]> {
  return new Resolver({ timeout: LOOK_UP_MS / 2, tries: 2 }).resolveCname(name)
}
