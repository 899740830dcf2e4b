import { foreign } from '../email/foreign.ts'
import { EXIT, Exit } from './exit.ts'

const MAX_REASON = 300

/** The text of `--reason`, on one line. @throws {Exit} 64 */
export function reasonOf(text: string): string {
  const reason = foreign(text, text.length)
  if (reason === '' || reason.length > MAX_REASON)
    throw new Exit(EXIT.usage, `--reason: expected a sentence of at most ${MAX_REASON} characters`)
  return reason
}
