import type { Config } from '../../../src/config/config.ts'
import type { Happening, Scenario } from '../../../src/simulate/scenario.ts'
import { Dice } from '../dice.ts'
import { type Drawn, draw } from '../draw.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
/** Short ones, and many: what is about machines happens within a minute. */
const LASTS = { from: 8, to: 18 } as const
const SETTLES_MS = 26 * MINUTE

type Span = Readonly<{ from: number; to: number }>

/** What happens to each of two machines, on top of a history. */
export type DrawnPair = Readonly<{
  drawn: Drawn
  /** Chance to be killed or stopped before, and after, any effect; and the mean time between such faults at any moment, 0: none. How long they last, 0: there are none. */
  faults: Readonly<{ atEffect: number; everyMs: number; stopped: number; downMs: number }>
  /** Chance that the answer to a commit is lost. */
  lost: number
  /** When each machine cannot reach AWS. */
  cutOff: readonly (readonly Span[])[]
  /** Whether the database tells machines what others have written. */
  isHeard: boolean
}>

/** In one of so many histories, machines have to look for what others have written. */
const UNHEARD_EVERY = 20

/** Draws a history of two machines. Time is that of the database: no clock of theirs is set. */
export function drawPair(seed: number): DrawnPair {
  const drawn = draw(seed, LASTS)
  const dice = new Dice(seed ^ 0x7a1b)
  const { config, happenings } = drawn.scenario
  const scenario: Scenario = {
    ...drawn.scenario,
    lengthMs: drawn.calmFrom + SETTLES_MS,
    config: withCallers(config),
    happenings: happenings.filter(({ deed }) => deed.verb !== 'clock').map(withCallersAfter),
  }
  const cuts = () =>
    Array.from({ length: dice.weighted([[3, 0] as const, [2, 1] as const, [1, 2] as const]) }, (): Span => {
      const from = dice.between(0, drawn.calmFrom, SECOND)
      return { from, to: Math.min(drawn.calmFrom, from + dice.wait(4 * MINUTE) + 5 * SECOND) }
    })
  return {
    drawn: { ...drawn, scenario, boots: false },
    faults: {
      atEffect: dice.weighted([
        [2, 0],
        [3, 0.0005],
        [2, 0.002],
      ]),
      everyMs: dice.chance(0.6) ? dice.between(2, 10) * MINUTE : 0,
      stopped: dice.pick([0.3, 0.5, 0.8]),
      downMs:
        dice.weighted([
          [1, 0],
          [1, 2],
          [1, 6],
          [2, 13],
          [1, 40],
        ]) * SECOND,
    },
    lost: dice.weighted([
      [2, 0],
      [2, 0.01],
      [1, 0.06],
    ]),
    cutOff: [cuts(), cuts()],
    isHeard: seed % UNHEARD_EVERY !== 0,
  }
}

/** Each monitor makes its calls with credentials of its own: callers that are dealt to both machines. */
function withCallers(config: Config): Config {
  const monitors = config.monitors.map((monitor, i) => ({
    ...monitor,
    credentials: { ...monitor.credentials, profile: i === 0 ? null : `profile-${i}` },
  }))
  return { ...config, monitors }
}

function withCallersAfter({ at, deed }: Happening): Happening {
  return { at, deed: deed.verb === 'reload' && deed.config !== null ? { ...deed, config: withCallers(deed.config) } : deed }
}
