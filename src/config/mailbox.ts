import { domainToASCII } from 'node:url'

/**
 * The domain of an address such as `Alibi <alibi@bücher.example>` as it stands in headers and in EHLO, where only ASCII may:
 * `xn--bcher-kva.example`. `null` if no such domain can be.
 */
export function asciiDomainOf(address: string): string | null {
  const domain = /@([^\s@>]+)>?\s*$/.exec(address)?.[1]?.toLowerCase() ?? ''
  // What is ASCII stays as it is: read as a host of a URL, `example.1` would be a faulty IPv4 address.
  const ascii = /^[\0-\x7f]*$/.test(domain) ? domain : domainToASCII(domain)
  return ascii === '' ? null : ascii
}
