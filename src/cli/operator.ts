import { userInfo } from 'node:os'
import { foreign } from '../email/foreign.ts'
import { EXIT, Exit } from './exit.ts'
import type { Io } from './io.ts'

const MAX_NAME = 100

/** Who gives an order: the name given, or the user at this terminal, also behind sudo. @throws {Exit} 64 */
export function operatorOf(given: string | undefined, { env }: Io): string {
  const name = foreign(given ?? (env['SUDO_USER'] || userName()), Number.MAX_SAFE_INTEGER)
  if (name === '' || name.length > MAX_NAME) throw new Exit(EXIT.usage, `--by: expected a name of at most ${MAX_NAME} characters`)
  return name
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // Such as in a container whose user has no name.
    return `user ${process.getuid?.() ?? 'without a name'}`
  }
}
