import type { Deed, Happening } from '../../src/simulate/scenario.ts'
import type { Dice } from './dice.ts'
import type { Posted } from './draw.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const MAX_DELAY = 8 * MINUTE

type Told = Readonly<{ happenings: readonly Happening[]; posted: readonly Posted[] }>

/**
 * Lets EventBridge have a part in some of the histories: events come by the queue too, or by it alone, late, several times and out
 * of order, and there are times at which nobody can read it, or nothing feeds it.
 */
export function withQueue(told: Told, dice: Dice, calmFrom: number): Told {
  if (!dice.chance(0.4)) return told
  const troubles = Array.from({ length: dice.weighted([[3, 0] as const, [2, 1] as const, [1, 2] as const]) }, (): Happening[] => {
    const at = dice.between(1, calmFrom / MINUTE - 5) * MINUTE
    const state = dice.pick(['unavailable', 'denied', 'unfed'] as const)
    return [
      { at, deed: { verb: 'queue', state } },
      { at: Math.min(calmFrom, at + dice.wait(10 * MINUTE)), deed: { verb: 'queue', state: 'ok' } },
    ]
  }).flat()
  const alone = new Set<string>()
  const also = new Set<string>()
  const happenings = told.happenings.map(({ at, deed }): Happening => {
    if (deed.verb === 'publish' && deed.event.in === undefined) {
      const isAlone = dice.chance(0.25)
      const isPublic = deed.event.scope !== 'ACCOUNT_SPECIFIC'
      ;(isAlone ? alone : also).add(deed.id)
      const sources = isAlone
        ? (['queue'] as const)
        : isPublic
          ? (['api', 'dashboard', 'queue'] as const)
          : (['api', 'queue'] as const)
      return { at, deed: { ...deed, event: { ...deed.event, in: sources }, ...deliveryOf(deed, dice) } }
    }
    return { at, deed: { ...deed, ...deliveryOf(deed, dice) } }
  })
  const withdrawn = new Set(told.happenings.flatMap(({ deed }) => (deed.verb === 'withdraw' ? [deed.id] : [])))
  const posted = told.posted.map((one): Posted => {
    if (!alone.has(one.id) && !also.has(one.id)) return one
    // Nobody tells the queue that an event was taken back, and an end may be lost on the way, or late.
    const isForgotten = withdrawn.has(one.id) || troubles.length > 0
    const lingers = { lingersMs: isForgotten ? Number.POSITIVE_INFINITY : MAX_DELAY + MINUTE }
    if (!alone.has(one.id)) return { ...one, ...lingers }
    const soft = { ACCOUNT: unsure(one.bearings.ACCOUNT), STS: unsure(one.bearings.STS) }
    return { ...one, ...lingers, in: ['queue'], bearings: soft }
  })
  return { happenings: [...happenings, ...troubles], posted }
}

/** Where the text says where it is, the first word comes first. */
function deliveryOf(deed: Deed, dice: Dice) {
  if (deed.verb !== 'publish' && deed.verb !== 'update' && deed.verb !== 'close') return {}
  const isWide = deed.verb === 'publish' && deed.event.region === 'global'
  const delayMs =
    isWide || dice.chance(0.5)
      ? 0
      : dice.chance(0.5)
        ? dice.between(1, 20) * SECOND
        : dice.between(0, MAX_DELAY / MINUTE) * MINUTE
  return { delivery: { delayMs, copies: dice.weighted([[3, 1] as const, [1, 2] as const, [1, 3] as const]) } }
}

/** Whether it has arrived yet, nobody but the queue knows. */
function unsure(bearing: Posted['bearings']['ACCOUNT']): Posted['bearings']['ACCOUNT'] {
  return bearing === 'explains' ? 'perhaps' : bearing
}
