import { MailError } from '../ports/mailer.ts'
import { EXIT, Exit } from './exit.ts'

/** What is left in a directory that somebody named: that it cannot be written is no fault of ours. @throws {Exit} 69 */
export async function writingTo<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    // The way that mails take into files gives its reason along.
    const reason = cause instanceof MailError ? cause.cause : cause
    if (!(reason instanceof Error && 'errno' in reason)) throw cause
    throw new Exit(EXIT.unreachable, `${directory} cannot be written: ${reason.message}`)
  }
}
