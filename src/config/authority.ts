import { X509Certificate } from 'node:crypto'

/** Certificates of a private authority (PEM). */
export type Authority = Readonly<{
  /** Path of the file, as written in the configuration. */
  path: string
  pem: string
}>

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

/** What is wrong with the text of such a file, to follow "the file …"; `null` if nothing is. */
export function faultOfAuthority(pem: string): string | null {
  const blocks = pem.match(CERTIFICATE) ?? []
  if (blocks.length === 0) return 'contains no certificate'
  const spoilt = blocks.findIndex((block) => certificate(block) === null)
  return spoilt === -1 ? null : `contains an invalid certificate (number ${spoilt + 1} of ${blocks.length})`
}

/** The certificates of the file that are not valid now, each in a few words. */
export function invalidNow(pem: string, now: number): readonly string[] {
  return (pem.match(CERTIFICATE) ?? []).flatMap((block) => {
    const read = certificate(block)
    if (read === null) return []
    const name = read.subject.split('\n').at(-1) ?? 'a certificate'
    if (Date.parse(read.validTo) < now) return [`${name} expired on ${day(read.validTo)}`]
    return Date.parse(read.validFrom) > now ? [`${name} is not valid before ${day(read.validFrom)}`] : []
  })
}

function certificate(block: string): X509Certificate | null {
  try {
    return new X509Certificate(block)
  } catch {
    return null
  }
}

function day(text: string): string {
  return new Date(text).toISOString().slice(0, 10)
}
