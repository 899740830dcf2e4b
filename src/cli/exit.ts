import type { Verdict } from '../domain/verdict.ts'

/** Exit codes of every verb (docs/reference.md; those above 63 are those of sysexits.h). */
export const EXIT = {
  well: 0,
  unexplained: 1,
  explained: 2,
  undetermined: 3,
  usage: 64,
  unreachable: 69,
  fault: 70,
  config: 78,
} as const

const ORDER: readonly Verdict['kind'][] = ['unexplained', 'undetermined', 'explained']

/** Of several verdicts the first of unexplained, undetermined, explained wins; none is well. */
export function exitOf(verdicts: readonly Verdict['kind'][]): number {
  const worst = ORDER.find((kind) => verdicts.includes(kind))
  return worst === undefined ? EXIT.well : EXIT[worst]
}

/** Ends a verb with a sentence for people and a code for scripts; no stack trace is shown. */
export class Exit extends Error {
  override readonly name = 'Exit'
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}
