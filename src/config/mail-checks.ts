import { faultOfAuthority } from './authority.ts'
import { isLoopback } from './endpoints.ts'
import type { SecretFile } from './reference.ts'
import { type AddFault, isMapping, type Path, type Tree, valueAt } from './tree.ts'

/** Where mail servers are configured. */
export const MAIL_SERVERS: readonly Path[] = [
  ['mail', 'smtp'],
  ['mail', 'fallback', 'smtp'],
]

/** Checks what concerns more than one key of `mail`. */
export function checkMail(tree: Tree, authorities: ReadonlyMap<string, SecretFile> | undefined, addFault: AddFault): void {
  const at = (path: Path) => valueAt(path, tree.root)
  for (const path of MAIL_SERVERS) {
    const smtp = at(path)
    if (isMapping(smtp)) checkServer(smtp, path, authorities, addFault)
  }
  if (at(['mail', 'fallback']) !== undefined && at(['mail', 'smtp']) === undefined)
    addFault(['mail', 'fallback'], '`mail.fallback` requires `mail.smtp`', 'key')
}

function checkServer(
  smtp: Record<string, unknown>,
  path: Path,
  authorities: ReadonlyMap<string, SecretFile> | undefined,
  addFault: AddFault,
): void {
  const { security, host, ca } = smtp
  if ('user' in smtp !== 'password' in smtp)
    addFault([...path, 'user' in smtp ? 'user' : 'password'], '`user` and `password` must be set together', 'key')
  if ('password' in smtp && security === 'none' && typeof host === 'string' && !isLoopback(host))
    addFault([...path, 'security'], 'expected `starttls` or `tls`; a password is never sent unencrypted')
  const file = typeof ca === 'string' ? authorities?.get(ca) : undefined
  const why = file === undefined ? null : file.ok ? faultOfAuthority(file.text) : file.why
  if (why !== null) addFault([...path, 'ca'], `expected a PEM file with certificates; the file ${why}`)
  if (ca !== undefined && security === 'none')
    addFault(
      [...path, 'ca'],
      '`ca` requires `security: starttls` or `security: tls`: without TLS no certificate is checked',
      'key',
    )
}
