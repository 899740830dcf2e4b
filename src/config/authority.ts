import { X509Certificate } from 'node:crypto'

/** Certificates of a private authority, as a file holds them: PEM. */
export type Authority = Readonly<{
  /** As the configuration names the file. */
  path: string
  pem: string
}>

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

/** What is wrong with the text of such a file, to go on after "the file …"; `null` for nothing. */
export function faultOfAuthority(pem: string): string | null {
  const blocks = pem.match(CERTIFICATE) ?? []
  if (blocks.length === 0) return 'holds no certificate'
  const spoilt = blocks.findIndex((block) => certificate(block) === null)
  return spoilt === -1 ? null : `holds a certificate that cannot be read (number ${spoilt + 1} of ${blocks.length})`
}

/** The certificates of the file that are not valid at this moment, each in a few words. */
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
