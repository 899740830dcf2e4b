import { expect, test } from 'vitest'
import { withAccounts } from './discovery.ts'
import { loadConfig, parseConfig } from './file.ts'

const options = { cwd: '/x', now: 0 }
const good = async () => {
  const loaded = await loadConfig('test/config/good/organization.yaml', {}, { ...options, cwd: process.cwd() })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
  return loaded.config
}
const idsOf = (config: Awaited<ReturnType<typeof good>>) => config.monitors.map(({ probes }) => probes.map(({ id }) => id))

test('before discovery, a monitor has only the accounts of the file', async () => {
  const config = await good()
  expect(idsOf(config)).toEqual([[], ['some/444455556666/GetAccountInformation', 'some/444455556666/GetPrimaryEmail']])
  expect(config.discoveries).toEqual([
    { monitor: 'whole', ous: null, exclude: [], everyMs: 3_600_000, calls: [call('GetAccountInformation')], atMost: 6_666 },
    {
      monitor: 'some',
      ous: ['r-ab12', 'ou-ab12-cd34ef56'],
      exclude: ['111122223333', 'self'],
      everyMs: 900_000,
      calls: [call('GetAccountInformation'), call('GetPrimaryEmail')],
      atMost: 6_666,
    },
  ])
})

const call = (operation: string) => ({ operation, parameter: null })

test('discovered accounts are added once; excluded ones are not', async () => {
  const found = new Map([
    ['whole', ['self', '111122223333', '111122223333']],
    ['some', ['self', '111122223333', '444455556666', '777788889999']],
    ['none', ['123412341234']],
  ])
  expect(idsOf(withAccounts(await good(), found))).toEqual([
    ['whole/self/GetAccountInformation', 'whole/111122223333/GetAccountInformation'],
    [
      'some/444455556666/GetAccountInformation',
      'some/444455556666/GetPrimaryEmail',
      'some/777788889999/GetAccountInformation',
      'some/777788889999/GetPrimaryEmail',
    ],
  ])
})

test('GetPrimaryEmail is never called for `self`: it requires a member account', async () => {
  const loaded = await parseConfig(
    'mail: { from: a@example.com }\nrecipients: { oncall: { to: [a@example.com] } }\nmonitors: [{ name: a, accounts: { organization: {} }, operations: [GetPrimaryEmail, ListRegions] }]',
    'alibi.yaml',
    {},
    options,
  )
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
  expect(idsOf(withAccounts(loaded.config, new Map([['a', ['self']]])))).toEqual([['a/self/ListRegions']])
})

test('quota warnings count the discovered accounts', async () => {
  const loaded = await parseConfig(
    'mail: { from: a@example.com }\nrecipients: { oncall: { to: [a@example.com] } }\nmonitors: [{ name: a, accounts: { organization: {} } }]',
    'alibi.yaml',
    {},
    options,
  )
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
  const late = /quota|AWS allows/
  const accounts = Array.from({ length: 1_000 }, (_, i) => String(100_000_000_000 + i))
  expect(loaded.config.warnings.filter((one) => late.test(one))).toEqual([])
  const many = withAccounts(loaded.config, new Map([['a', accounts]]))
  expect(many.warnings.filter((one) => late.test(one))).toEqual([
    '1,000 accounts × GetAccountInformation every minute needs 16.7 calls/s, but AWS allows 3/s: a round takes at least 334 s (417 s with room for repeated runs)',
  ])
})
