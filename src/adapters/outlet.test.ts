import { expect, test } from 'vitest'
import { proxiesOf } from '../config/proxy.ts'
import { isDirect, Outlet } from './outlet.ts'

const ACCOUNT = 'https://account.us-east-1.amazonaws.com'

test.for<[string, string, boolean]>([
  ['', ACCOUNT, false],
  ['*', ACCOUNT, true],
  ['account.us-east-1.amazonaws.com', ACCOUNT, true],
  ['ACCOUNT.us-east-1.AmazonAWS.com', ACCOUNT, true],
  ['.amazonaws.com', ACCOUNT, true],
  ['*.amazonaws.com', ACCOUNT, true],
  ['amazonaws.com', ACCOUNT, true],
  ['zonaws.com', ACCOUNT, false],
  ['us-east-1.amazonaws.com.', ACCOUNT, false],
  ['account.us-east-1.amazonaws.com:443', ACCOUNT, true],
  ['account.us-east-1.amazonaws.com:8443', ACCOUNT, false],
  ['.amazonaws.com:443', ACCOUNT, true],
  ['.amazonaws.com:8443', 'https://sts.us-west-2.amazonaws.com:8443', true],
  ['example.com, .amazonaws.com', ACCOUNT, true],
  ['example.com .amazonaws.com', ACCOUNT, true],
  ['example.com,.aws.dev', ACCOUNT, false],
  ['10.1.2.3', 'https://10.1.2.3', true],
  ['10.1.2.3', 'https://10.1.2.30', false],
  ['10.1.2.3:8443', 'https://10.1.2.3:8443', true],
  ['10.1.2.3:8443', 'https://10.1.2.3', false],
  ['10.0.0.0/8', 'https://10.1.2.3', true],
  ['10.0.0.0/8', 'https://11.1.2.3', false],
  ['10.0.0.0/8', 'https://10.example', false],
  ['10.0.0.0/64', 'https://10.1.2.3', false],
  ['fd00::/8', 'https://[fd00::1]', true],
  ['fd00::1', 'https://[fd00::1]', true],
  ['[fd00::1]:443', 'https://[fd00::1]', true],
  ['[fd00::1]:444', 'https://[fd00::1]', false],
  ['', 'http://127.0.0.1:4566', true],
  ['', 'http://localhost:4566', true],
  ['', 'http://[::1]:4566', true],
  ['(', ACCOUNT, false],
  ['.', ACCOUNT, false],
])('with NO_PROXY=%j the way to %s is direct: %j', ([text, url, direct]) => {
  expect(isDirect(new URL(url), proxiesOf({ NO_PROXY: text }).direct)).toBe(direct)
})

test('https and http have proxies of their own', () => {
  const outlet = new Outlet({ proxies: proxiesOf({ HTTPS_PROXY: 'http://a:1', http_proxy: 'http://b:2' }), authorities: [] })
  expect(outlet.proxyFor(new URL(ACCOUNT))?.url).toBe('http://a:1')
  expect(outlet.proxyFor(new URL('http://example.com'))?.url).toBe('http://b:2')
  expect(new Outlet().proxyFor(new URL(ACCOUNT))).toBeNull()
})
