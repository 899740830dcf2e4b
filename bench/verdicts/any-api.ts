import { type AwsService, serviceNamed, serviceNames } from '../../src/domain/catalogue.ts'
import { DAY_MS, type Instant, MINUTE_MS, type Probe, probeId, type ServiceCall } from '../../src/domain/probe.ts'
import { codesOf } from '../../src/domain/service-facts.ts'
import { type Setup, setupOf } from '../../src/domain/setup.ts'
import { simulatorsConfig } from '../../src/simulate/merged.ts'
import { chance } from './chance.ts'
import { Feed } from './feed.ts'
import type { Entry, History } from './history.ts'
import { type Published, publishedOf, publishedWhole } from './published.ts'
import type { Case } from './replay.ts'
import type { Part } from './sets.ts'

const FAILS_FOR_MS = 30 * MINUTE_MS
const EXTENSION_MS = 15 * MINUTE_MS
const AFTERWARDS_MS = 10 * MINUTE_MS

/** Whose events concern every service, and what else concerns some: told here by hand, apart from the judge's own tables. */
const EVERYBODYS: ReadonlySet<string> = new Set(['iam', 'sts', 'multipleservices'])
const PARTS_OF: Readonly<Record<string, string>> = { ec2: 'vpc', ebs: 'ec2', docdb: 'rds', neptune: 'rds' }
/** A region's code in prose. */
const REGION_CODE = /\b[a-z]{2}(?:-gov)?-(?:north|south|east|west|central)[a-z]*-\d\b/gi

/** An entry of a service that can be called, in a region. */
type Place = Readonly<{ entry: Entry; is: Published; service: AwsService }>

/** Failures of each service of the history in its regions: during its own events, those of others, and in quiet times. */
export function serviceParts(history: History, each: number, seed: number): readonly Part[] {
  const random = chance(seed)
  const singles = history.singles.map((entry, n) => ({ entry, is: publishedOf(entry, n) }))
  const wholes = history.wholes.map((whole, n) => ({ whole, is: publishedWhole(whole, 0xa0000 + n, false) }))
  const feed = new Feed([...singles, ...wholes].map(({ is }) => is))
  const callable = servicesByKey()
  const places: readonly Place[] = singles.flatMap(({ entry, is }) => {
    const service = callable.get(entry.service)
    return service === undefined || entry.region === 'global' ? [] : [{ entry, is, service }]
  })
  const setups = new Map<string, Setup>()
  const minuteIn = (from: Instant, to: Instant) => Math.floor((from + random() * (to - from)) / MINUTE_MS) * MINUTE_MS
  const many = (draw: () => Instant) => Array.from({ length: each }, draw)

  const failing = ({ entry: { region, service: key }, service }: Place, onset: Instant): Case => {
    const name = `${service.name} ${region}`
    const setup = setups.get(name) ?? setupFor(service, region)
    setups.set(name, setup)
    const concerns = [
      ...singles.filter(({ entry }) => concernsPlace(entry, key, region)).map(({ is }) => is),
      ...wholes.filter(({ whole }) => whole.region === region).map(({ is }) => is),
    ]
    return {
      feed,
      setup,
      place: { service: codesOf(service)[0], region },
      onset,
      until: onset + FAILS_FOR_MS,
      idleMs: MINUTE_MS,
      othersMs: 0,
      afterwardsMs: AFTERWARDS_MS,
      alibiAt: (at) => concerns.some((is) => firstOf(is) <= at && at <= endOf(is) + EXTENSION_MS),
    }
  }
  const own = places.filter(({ entry }) => entry.impact !== null)
  const begin = Math.min(...singles.map(({ is }) => firstOf(is)))
  const end = Math.max(...singles.map(({ is }) => endOf(is)))
  const others = (place: Place) =>
    places.filter((one) => one.entry.region === place.entry.region && one.service !== place.service)
  const part = (name: string, what: string, outages: number, cases: readonly Case[]): Part => ({
    ...{ set: 'e', part: name, what, outages, cases },
  })
  return [
    part(
      'own',
      'any service, while its own event lasts in its region',
      own.length,
      own.flatMap((place) =>
        many(() => minuteIn(place.entry.impact?.from ?? 0, place.entry.impact?.to ?? 0)).map((at) => failing(place, at)),
      ),
    ),
    part(
      'others',
      'any service, while another is in trouble in its region',
      places.length,
      places.flatMap((place) => {
        const elsewhere = others(place)
        const other = elsewhere[Math.floor(random() * elsewhere.length)]
        return other === undefined ? [] : many(() => minuteIn(firstOf(other.is), endOf(other.is))).map((at) => failing(place, at))
      }),
    ),
    part(
      'calm',
      'any service, at random moments',
      0,
      places.flatMap((place) => many(() => minuteIn(begin, end)).map((at) => failing(place, at))),
    ),
  ]
}

/** Services that have a client, by the keys of the old dashboard. */
function servicesByKey(): ReadonlyMap<string, AwsService> {
  const services = serviceNames().flatMap((name) => serviceNamed(name) ?? [])
  return new Map(
    services
      .toReversed()
      .flatMap((service) => codesOf(service).map((code): [string, AwsService] => [code.toLowerCase(), service])),
  )
}

function concernsPlace(entry: Entry, key: string, region: string): boolean {
  const isOfPlace = entry.service === key || EVERYBODYS.has(entry.service) || PARTS_OF[key] === entry.service
  if (!isOfPlace) return false
  if (entry.region !== 'global') return entry.region === region
  const named = entry.posts.flatMap(({ text }) => text.match(REGION_CODE) ?? []).map((one) => one.toLowerCase())
  return named.length === 0 || named.includes(region)
}

function setupFor(service: AwsService, region: string): Setup {
  const config = simulatorsConfig(0)
  const [monitor] = config.monitors
  if (monitor === undefined) throw new RangeError('no monitor')
  const call: ServiceCall = {
    ...{ operation: `${service.name}:ListAll`, parameter: null, region, input: {}, expect: null, rate: null },
  }
  const probe: Probe = { id: probeId(monitor.name, 'self', call), monitor: monitor.name, account: 'self', call }
  return setupOf({ ...config, monitors: [{ ...monitor, probes: [probe] }] })
}

function firstOf(is: Published): Instant {
  return is.posts[0]?.at ?? 0
}

/** The end of an event that was never closed: a day after its last post it is taken away. */
function endOf(is: Published): Instant {
  return is.closedAt ?? (is.posts.at(-1)?.at ?? 0) + DAY_MS
}
