import { describe, expect, test } from 'vitest'
import type { Config } from '../config/config.ts'
import { NOTIFICATIONS } from '../email/samples.ts'
import { openAnswerKey } from '../web/answer-key.ts'
import { linkTo, shellOf } from './ways-back.ts'

describe('commands run as printed, by what Alibi was started with', () => {
  const started = { directory: '/opt/alibi', node: '/usr/bin/node', path: '/usr/local/bin:/usr/bin' }
  test.for<[string, { script: string; node?: string; directory?: string }, string, string, string]>([
    ['npx in a clone', { script: '/opt/alibi/node_modules/.bin/alibi' }, '/opt/alibi/config/alibi.yaml', 'npx alibi', ''],
    [
      'pm2 with the Node of the clone',
      { script: '/opt/alibi/dist/main.js', node: '/opt/alibi/node_modules/node/bin/node' },
      '/opt/alibi/config/alibi.yaml',
      'node_modules/node/bin/node dist/main.js',
      '',
    ],
    [
      'installed globally',
      { script: '/usr/local/bin/alibi' },
      '/etc/alibi/alibi.yaml',
      'alibi',
      ' --config /etc/alibi/alibi.yaml',
    ],
    ['installed out of the way', { script: '/srv/x/bin/alibi' }, '/opt/alibi/config/alibi.yaml', '/srv/x/bin/alibi', ''],
    [
      'a directory with a space',
      { script: '/opt/my alibi/dist/main.js', directory: '/opt/my alibi' },
      '/opt/my alibi/other.yaml',
      '/usr/bin/node dist/main.js',
      " --config '/opt/my alibi/other.yaml'",
    ],
  ])('%s', ([, how, file, program, options]) => {
    expect(shellOf({ ...started, ...how }, file)).toMatchObject({ program, options })
  })
})

describe('the link to an incident', () => {
  const web = { host: '127.0.0.1', port: 9464, hosts: [], token: 'hunter-hunter-hunter-22', url: 'https://alibi.example.com/a' }
  const { failing, digest } = NOTIFICATIONS
  const link = (over: Partial<NonNullable<Config['web']>> | null, mail = failing) =>
    linkTo(mail, { web: over === null ? null : { ...web, ...over } } as Config)

  test('allows its recipient to answer for three days, and is the same each time', () => {
    const { url = '', hasButtons } = link({}) ?? {}
    expect(hasButtons).toBe(true)
    const [, incident = '', key = ''] = /^https:\/\/alibi\.example\.com\/a\/incidents\/(\w+)\?answer=(.+)$/.exec(url) ?? []
    const { createdAt, recipient } = failing
    expect(openAnswerKey(web.token, incident, key, createdAt)).toMatchObject({
      ok: true,
      grant: { incident: failing.incident, recipient },
    })
    expect(openAnswerKey(web.token, incident, key, createdAt + 73 * 3_600_000)).toEqual({ ok: false, why: 'expired' })
    expect(link({})?.url).toBe(url)
  })
  test('only shows it without a token', () =>
    expect(link({ token: null })).toEqual({
      url: `https://alibi.example.com/a/incidents/${failing.incident}`,
      hasButtons: false,
    }))
  test('is missing without web.url, without a page, and where there is no incident', () =>
    expect([link({ url: null }), link(null), link({}, digest)]).toEqual([null, null, null]))
})
