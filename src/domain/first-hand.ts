import { sameService } from './impacted.ts'
import { relatedTo } from './judge.ts'
import { type Instant, isServiceCall, type Partition } from './probe.ts'
import { serviceCode, titleOf } from './service-facts.ts'
import { regionOf, type Setup } from './setup.ts'
import type { ProbeState } from './state.ts'

/** How a service fares that is probed as well: one that the failing service depends on, or the same one in another region. */
export type FirstHand = Readonly<{
  /** Its name in prose. */
  service: string
  region: string
  state: 'ok' | 'failing'
  /** Since when it fails; when it was last ok. */
  at: Instant
}>

const MAX_FIRST_HAND = 6

type Failing = readonly Readonly<{ probe: string; operation: string }>[]

/** What our own probes show at this moment about the services that may have caused a failure; those that fail come first. */
export function firstHand(
  failing: Failing,
  partition: Partition,
  { setup, states }: Readonly<{ setup: Setup; states: ReadonlyMap<string, ProbeState> }>,
): readonly FirstHand[] {
  const own = new Set(failing.map(({ probe }) => probe))
  const codes = [...new Set(failing.map(({ operation }) => serviceCode(operation)))]
  const behind = [...codes, ...codes.flatMap((code) => relatedTo(code, setup.relevance))]
  const places = new Set(failing.flatMap(({ probe }) => placeOf(setup, partition, probe) ?? []))
  const found = new Map<string, FirstHand>()
  for (const probe of setup.probes.values()) {
    if (own.has(probe.id) || !isServiceCall(probe.call)) continue
    const place = placeOf(setup, partition, probe.id)
    const state = states.get(probe.id)
    if (place === null || places.has(place) || state === undefined) continue
    if (!behind.some((code) => sameService(code, serviceCode(probe.call.operation)))) continue
    const seen = seenOf(state)
    const known = found.get(place)
    if (seen === null || (known !== undefined && !outweighs(seen, known))) continue
    found.set(place, { service: titleOf(probe.call.operation), region: probe.call.region, ...seen })
  }
  return [...found.values()]
    .toSorted((a, b) => Number(a.state === 'ok') - Number(b.state === 'ok') || a.service.localeCompare(b.service))
    .slice(0, MAX_FIRST_HAND)
}

/** Service and region that a probe asks, if it is of this partition. */
function placeOf(setup: Setup, partition: Partition, id: string): string | null {
  const probe = setup.probes.get(id)
  const monitor = probe === undefined ? undefined : setup.monitors.get(probe.monitor)
  if (probe === undefined || monitor?.partition !== partition) return null
  return `${serviceCode(probe.call.operation)} ${regionOf(probe, partition)}`
}

type Seen = Pick<FirstHand, 'state' | 'at'>

/** `null`: nothing is known, or not yet. */
function seenOf({ status, onset, lastOkAt }: ProbeState): Seen | null {
  if ((status === 'failing' || status === 'recovering') && onset !== null) return { state: 'failing', at: onset }
  return status === 'ok' && lastOkAt !== null ? { state: 'ok', at: lastOkAt } : null
}

function outweighs(a: Seen, b: Seen): boolean {
  if (a.state !== b.state) return a.state === 'failing'
  return a.state === 'failing' ? a.at < b.at : a.at > b.at
}
