import type { Config, Smtp } from '../config/config.ts'
import type { MailError } from '../ports/mailer.ts'
import { nameFor } from '../wire.ts'

/** A mail server, with its key in the configuration. */
export type MailServer = Readonly<{ key: 'mail.smtp' | 'mail.fallback.smtp'; smtp: Smtp }>

export function mailServers({ mail }: Config): readonly MailServer[] {
  return [
    ...(mail.smtp === null ? [] : [{ key: 'mail.smtp', smtp: mail.smtp } as const]),
    ...(mail.fallback === null ? [] : [{ key: 'mail.fallback.smtp', smtp: mail.fallback.smtp } as const]),
  ]
}

/** What to change if this mail server does not accept our email. */
export function mailAdvice({ trouble }: MailError, { key, smtp }: MailServer, config: Config): string {
  switch (trouble) {
    case 'name':
      return `Alibi introduces itself as ${nameFor(config, smtp)} (EHLO): set ${key}.name to a name that the server accepts, such as this host's fully qualified domain name`
    case 'untrusted':
      return smtp.ca === null
        ? `if a private authority signed its certificate, set ${key}.ca to a file that holds the authority's certificate (PEM)`
        : `${smtp.ca.path} (${key}.ca) does not contain the authority that signed the server's certificate`
    case 'expired':
      return `the server's certificate is not valid at this time: renew it, or correct the clock of this host`
    case 'misnamed':
      return `set ${key}.host to a name that the server's certificate contains`
    case 'login':
      return `check ${key}.user and ${key}.password`
    case 'no-tls':
      return `the server does not offer STARTTLS on this port: check ${key}.port and ${key}.security`
    case null:
      return `check host, port, security, user and password under ${key}; \`alibi mail test\` sends a test email`
  }
}
