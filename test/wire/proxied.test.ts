import { expect, test } from 'vitest'
import { CALLER } from '../../src/sandbox/aws.ts'
import { type ConnectProxy, startConnectProxy } from '../fakes/connect-proxy.ts'
import { type Stage, stage } from './daemon-process.ts'

const MONITORS = `
  - name: production
    schedule: "* * * * * *"
    spread: 0s
    operations: [GetContactInformation]
    attempts: 1
    timeout: 900ms
    retryInterval: 1s
    recheckEvery: 1s`

/** AWS by its own names, which lead nowhere but through the proxy. */
function behind(on: Stage, proxy: ConnectProxy): void {
  for (const name of Object.keys(on.env)) if (name.startsWith('AWS_ENDPOINT_URL')) delete on.env[name]
  Object.assign(on.env, { HTTPS_PROXY: proxy.url, NO_PROXY: 'smtp.example', AWS_CA_BUNDLE: proxy.authority })
}
const PARTS = { monitors: MONITORS, health: '{ cacheFor: 1s }' }

test('check --live asks AWS through the proxy, and names it without its password', async () => {
  await using on = await stage(PARTS)
  await using proxy = await startConnectProxy(on.sandbox.port, 'alibi:hunter22')
  behind(on, proxy)
  const ended = await on.alibi('check', '--live')
  expect(ended).toMatchObject({ code: 0, err: '' })
  expect(ended.out).toContain(CALLER.arn)
  expect(ended.out).toMatch(
    /note: HTTPS through the proxy HTTPS_PROXY=http:\/\/127\.0\.0\.1:\d+, except NO_PROXY: smtp\.example \(never to this machine, and not for email\)/,
  )
  expect(ended.out).toContain(`trusted in addition to Node's authorities: AWS_CA_BUNDLE=${proxy.authority}`)
  expect(ended.out).not.toContain('hunter22')
  // Which region of AWS Health is active is looked up where there are name servers.
  const asked = proxy.asked.map((host) => host.replace(/^health\.us-east-[12]\./, 'health.REGION.'))
  expect(new Set(asked)).toEqual(
    new Set([
      'account.us-east-1.amazonaws.com:443',
      'sts.us-west-2.amazonaws.com:443',
      'health.REGION.amazonaws.com:443',
      'health.aws.amazon.com:443',
    ]),
  )
  proxy.set('407 Proxy Authentication Required')
  const refused = await on.alibi('check', '--live')
  expect(refused.code).toBe(69)
  expect(refused.out).toMatch(
    /FAIL {3}production\/self\/GetContactInformation: setup: ProxyError the proxy HTTPS_PROXY=\S+ answered 407/,
  )
  expect(refused.out).toContain('-> check HTTPS_PROXY and NO_PROXY')
  const probed = await on.alibi('probe')
  expect(probed.code).toBe(1)
  expect(probed.out).toMatch(/setup: the proxy HTTPS_PROXY=\S+ answered 407/)
})

test('a FIPS endpoint is asked where there is one, and elsewhere its lack is named', async () => {
  await using on = await stage(PARTS)
  Object.assign(on.env, { AWS_USE_FIPS_ENDPOINT: 'true' })
  const overridden = await on.alibi('probe')
  expect(overridden, 'an address of one’s own has no variant').toMatchObject({ code: 0, err: '' })
  await using proxy = await startConnectProxy(on.sandbox.port)
  behind(on, proxy)
  const ended = await on.alibi('check', '--live')
  expect(ended).toMatchObject({ code: 0, err: '' })
  expect(ended.out).toMatch(/note: AWS_USE_FIPS_ENDPOINT: FIPS endpoint used for STS in us-west-2, AWS Health in us-east-2$/m)
  expect(ended.out).toMatch(
    /note: AWS_USE_FIPS_ENDPOINT: no FIPS endpoint, default one used, for Account in us-east-1, AWS Health in us-east-1$/m,
  )
  expect(proxy.asked).toEqual(
    expect.arrayContaining(['sts-fips.us-west-2.amazonaws.com:443', 'account.us-east-1.amazonaws.com:443']),
  )
  expect(proxy.asked).not.toContainEqual(expect.stringMatching(/^account-fips/))
})

test('a proxy that lets nothing through from the start is not an outage of AWS; one that worked before may be', async () => {
  await using on = await stage(PARTS)
  await using proxy = await startConnectProxy(on.sandbox.port)
  behind(on, proxy)
  proxy.set('502 Bad Gateway')
  const daemon = on.daemon()
  await daemon.line('the first mail', ({ message }) => message === 'mail delivered')
  const kinds = () => on.mailbox.mails.map(({ headers }) => headers['x-alibi-kind'])
  expect(kinds()).toEqual(['misconfigured'])
  proxy.set('open')
  await daemon.next('the second', ({ message }) => message === 'mail delivered')
  expect(kinds()).toEqual(['misconfigured', 'recovered'])
  proxy.set('502 Bad Gateway')
  await daemon.next('the third', ({ message }) => message === 'mail delivered')
  expect(kinds()).toEqual(['misconfigured', 'recovered', 'failing'])
})

test.for<[string, Record<string, string>, string]>([
  ['socks', { HTTPS_PROXY: 'socks5://u:hunter22@p:1080' }, 'HTTPS_PROXY names a socks5:// proxy: expected http:// or https://'],
  ['neither true nor false', { AWS_USE_FIPS_ENDPOINT: '1' }, 'AWS_USE_FIPS_ENDPOINT must be true or false'],
  ['no bundle', { AWS_CA_BUNDLE: '/nonexistent/ca.pem' }, 'AWS_CA_BUNDLE names /nonexistent/ca.pem, which does not exist'],
  ['a bundle of nothing', { AWS_CA_BUNDLE: '/dev/null' }, 'AWS_CA_BUNDLE names /dev/null, which is not a regular file'],
])('what cannot be used is refused: %s', async ([, env, message]) => {
  await using on = await stage(PARTS)
  Object.assign(on.env, env)
  const ended = await on.alibi('check')
  expect(ended).toMatchObject({ code: 78, out: '' })
  expect(ended.err).toContain(message)
  expect(ended.err).not.toContain('hunter22')
})
