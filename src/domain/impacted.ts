import { Memo } from './memo.ts'
import type { Impact } from './outage.ts'
import { splitKey } from './region.ts'
import { plainCode } from './service-facts.ts'

/** The dashboard writes `multipleservices` where the API writes `MULTIPLE_SERVICES`, and `elb` for `ELASTICLOADBALANCING`. */
export function sameService(a: string, b: string): boolean {
  return a === b || plain(a) === plain(b)
}

type Located = Readonly<{ impact: Impact; region: string | null; place: number }>

const indexes = new WeakMap<readonly Impact[], ReadonlyMap<string, readonly Located[]>>()

/**
 * Entries of an event's list of impacted services that are one of `services`, in the list's order. One whose key names another
 * region than `region`, such as `sts-us-east-1`, does not count.
 */
export function impactsHere(impacted: readonly Impact[] | null, services: readonly string[], region: string): readonly Impact[] {
  if (impacted === null || impacted.length === 0) return []
  const index = indexOf(impacted)
  const found = new Set<Located>()
  for (const service of services) {
    for (const located of index.get(plain(service)) ?? [])
      if (located.region === null || located.region === region) found.add(located)
  }
  return [...found].sort((a, b) => a.place - b.place).map(({ impact }) => impact)
}

/** Read once for each list: it may have thousands of entries, and every failing probe asks for a few of them. */
function indexOf(impacted: readonly Impact[]): ReadonlyMap<string, readonly Located[]> {
  const known = indexes.get(impacted)
  if (known !== undefined) return known
  const index = new Map<string, Located[]>()
  for (const [place, impact] of impacted.entries()) {
    const { service, region } = splitKey(impact.key)
    const name = plainCode(service)
    const located = index.get(name)
    if (located === undefined) index.set(name, [{ impact, region, place }])
    else located.push({ impact, region, place })
  }
  indexes.set(impacted, index)
  return index
}

const plains = new Memo<string, string>(1_000)
/** Read once for each name: there are a few hundred services, and very many comparisons. */
function plain(service: string): string {
  return plains.of(service, () => plainCode(service))
}
