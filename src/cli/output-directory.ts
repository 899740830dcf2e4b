import { MailError } from '../ports/mailer.ts'
import { EXIT, Exit } from './exit.ts'

/** Writes into a directory that the user named; if that fails it is no internal error. @throws {Exit} 69 */
export async function writingTo<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    // The mailer that writes files wraps the reason.
    const reason = cause instanceof MailError ? cause.cause : cause
    if (!(reason instanceof Error && 'errno' in reason)) throw cause
    throw new Exit(EXIT.unavailable, `cannot write to ${directory}: ${reason.message}`)
  }
}
