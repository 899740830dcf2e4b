import type { Verdict } from '../domain/verdict.ts'

/** The exit codes of every command, as docs/reference.md lists them. Those above 63 are taken from sysexits.h. */
export const EXIT = {
  ok: 0,
  unexplained: 1,
  explained: 2,
  undetermined: 3,
  usage: 64,
  unavailable: 69,
  internal: 70,
  config: 78,
} as const

const PRECEDENCE: readonly Verdict['kind'][] = ['unexplained', 'undetermined', 'explained']

/** The code of several verdicts: the first of unexplained, undetermined and explained that occurs. */
export function exitOf(verdicts: readonly Verdict['kind'][]): number {
  const worst = PRECEDENCE.find((kind) => verdicts.includes(kind))
  return worst === undefined ? EXIT.ok : EXIT[worst]
}

/** Ends a command with a message and an exit code; no stack trace is printed. */
export class Exit extends Error {
  override readonly name = 'Exit'
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}
