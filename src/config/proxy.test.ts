import { expect, test } from 'vitest'
import { NO_PROXIES, proxiesOf, proxyFault, proxySecrets, proxyShown } from './proxy.ts'

test.for<[Record<string, string>, string | null, string | null]>([
  [{}, null, null],
  [{ HTTPS_PROXY: 'http://p:1' }, 'HTTPS_PROXY=http://p:1', null],
  [{ https_proxy: 'http://p:1', HTTPS_PROXY: 'http://q:1' }, 'https_proxy=http://p:1', null],
  [{ https_proxy: '', HTTPS_PROXY: 'http://q:1' }, 'HTTPS_PROXY=http://q:1', null],
  [{ HTTP_PROXY: 'http://p:1' }, null, 'HTTP_PROXY=http://p:1'],
  [{ HTTPS_PROXY: 'p.example:3128' }, 'HTTPS_PROXY=http://p.example:3128', null],
  [{ HTTPS_PROXY: ' http://user:hunter22@p.example:3128/x?y ' }, 'HTTPS_PROXY=http://p.example:3128', null],
  [{ ALL_PROXY: 'http://p:1' }, null, null],
])('the proxies of %j', ([env, https, http]) => {
  const found = proxiesOf(env)
  expect(found.https && proxyShown(found.https)).toBe(https)
  expect(found.http && proxyShown(found.http)).toBe(http)
})

test.for<[string, string, RegExp | null]>([
  ['http://p:3128', '24.21.0', null],
  ['https://p', '25.0.0', null],
  ['p:3128', '24.5.0', null],
  ['socks5://p:1080', '24.21.0', /names a socks5:\/\/ proxy: expected http:\/\/ or https:\/\//],
  ['http://', '24.21.0', /is not a URL/],
  ['http://p:3128', '24.4.1', /requires Node 24\.5 or newer: this is Node 24\.4\.1/],
])('%s under Node %s', ([text, node, why]) => {
  const { https } = proxiesOf({ HTTPS_PROXY: text })
  const fault = https === null ? 'none' : proxyFault(https, node)
  if (why === null) expect(fault).toBeNull()
  else expect(fault).toMatch(why)
})

test('its password is a secret', () => {
  expect(proxySecrets(proxiesOf({ HTTPS_PROXY: 'http://us%40er:hunter%3A22@p' }))).toEqual([
    'hunter%3A22',
    'hunter:22',
    'us%40er:hunter%3A22',
  ])
  expect(proxySecrets(NO_PROXIES)).toEqual([])
})
