import type { Config } from '../config/config.ts'
import { MailError, type Mailer } from '../ports/mailer.ts'
import type { Wired } from '../wire.ts'
import { type Finding, failed, passed } from './finding.ts'
import { mailAdvice, mailServers } from './mail-advice.ts'

/** Connects and logs in to every mail server, or tests the directory that emails are written to. Sends nothing. */
export async function mailChecks(config: Config, wired: Wired, signal: AbortSignal): Promise<readonly Finding[]> {
  const verify = async (what: string, mailer: Mailer, fix: (cause: MailError) => string): Promise<Finding> => {
    try {
      return passed(what, await mailer.verify(signal))
    } catch (cause) {
      if (!(cause instanceof MailError)) throw cause
      return failed(what, cause.message, fix(cause))
    }
  }
  const servers = mailServers(config)
  if (servers.length === 0)
    return [await verify('mail directory', wired.mailer, () => 'make mail.directory writable for the user that runs Alibi')]
  return Promise.all(
    servers.map((server) => {
      const isFallback = server.key === 'mail.fallback.smtp'
      const mailer = isFallback ? (wired.fallback?.mailer ?? wired.mailer) : wired.mailer
      const what = `${isFallback ? 'second mail server' : 'mail server'} ${server.smtp.host}`
      return verify(what, mailer, (cause) => mailAdvice(cause, server, config))
    }),
  )
}
