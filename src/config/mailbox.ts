import { domainToASCII } from 'node:url'

/**
 * The domain of an address such as `Alibi <alibi@bücher.example>` for headers and EHLO, where only ASCII is allowed:
 * `xn--bcher-kva.example`. `null` if there is none.
 */
export function asciiDomainOf(address: string): string | null {
  const domain = /@([^\s@>]+)>?\s*$/.exec(address)?.[1]?.toLowerCase() ?? ''
  // ASCII stays as it is: as the host of a URL, `example.1` would be an invalid IPv4 address.
  const ascii = /^[\0-\x7f]*$/.test(domain) ? domain : domainToASCII(domain)
  return ascii === '' ? null : ascii
}
