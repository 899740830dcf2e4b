import { isIP } from 'node:net'

/** Labels of letters, digits and hyphens, at least two: what relays take for the full name of a host. */
const FULL_NAME = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/i
/** Names that every host has. */
const NOBODYS_NAME = /(?:^|\.)(?:localhost|localdomain)$/i

/**
 * What we introduce ourselves as. Relays turn away who gives no full name: a container has none, and is called by the domain of
 * its sender instead.
 */
export function ehloName(given: string | null, hostname: string, senderDomain: string): string {
  if (given !== null) return given
  const full = [hostname, senderDomain].find((name) => FULL_NAME.test(name) && !NOBODYS_NAME.test(name))
  if (full !== undefined) return full
  return isIP(hostname) === 4 ? `[${hostname}]` : '[127.0.0.1]'
}
