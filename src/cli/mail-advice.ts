import type { Config, Smtp } from '../config/config.ts'
import type { MailError } from '../ports/mailer.ts'
import { nameFor } from '../wire.ts'

/** A mail server of the configuration, and the key that describes it. */
export type MailServer = Readonly<{ key: 'mail.smtp' | 'mail.fallback.smtp'; smtp: Smtp }>

export function mailServers({ mail }: Config): readonly MailServer[] {
  return [
    ...(mail.smtp === null ? [] : [{ key: 'mail.smtp', smtp: mail.smtp } as const]),
    ...(mail.fallback === null ? [] : [{ key: 'mail.fallback.smtp', smtp: mail.fallback.smtp } as const]),
  ]
}

/** What to change when this mail server does not take our email. */
export function mailAdvice({ trouble }: MailError, { key, smtp }: MailServer, config: Config): string {
  switch (trouble) {
    case 'name':
      return `Alibi introduces itself as ${nameFor(config, smtp)} (EHLO): set ${key}.name to a name that the server accepts, such as this host's full name in DNS`
    case 'untrusted':
      return smtp.ca === null
        ? `set ${key}.ca to a file that holds the certificate of its authority (PEM), if it is a private one`
        : `${smtp.ca.path} (${key}.ca) does not hold the authority that signed the server's certificate`
    case 'expired':
      return `the server needs a certificate that is valid now; see also that the clock of this host is right`
    case 'misnamed':
      return `set ${key}.host to a name that stands in the server's certificate`
    case 'login':
      return `see ${key}.user and ${key}.password`
    case 'no-tls':
      return `the server does not offer STARTTLS on this port: see ${key}.port and ${key}.security`
    case null:
      return `see host, port, security, user and password under ${key}; \`alibi mail test\` sends a real one`
  }
}
