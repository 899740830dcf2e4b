import { expect, test } from 'vitest'
import { type Call, type Monitor, OPERATIONS, probeId } from './probe.ts'
import { quotaOf, quotaRows } from './quota.ts'

function monitor(name: string, accounts: number, calls: readonly Call[], profile: string | null = null): Monitor {
  const probes = Array.from({ length: accounts }, (_, index) => String(index).padStart(12, '0')).flatMap((account) =>
    calls.map((call) => ({ id: probeId(name, account, call), monitor: name, account, call })),
  )
  const credentials = { profile, roleArn: null, externalId: null, sessionName: null }
  return {
    ...{ name, schedule: '* * * * *', timezone: 'Etc/UTC', spreadMs: 0, periodMs: 60_000, partition: 'aws', region: 'us-east-1' },
    ...{
      credentials,
      probes,
      attempts: 3,
      backoffMs: 1000,
      timeoutMs: 5000,
      impact: null,
      runbook: null,
      fail: { count: 3, of: 5 },
    },
    ...{ recover: 2, retryIntervalMs: 20_000, recheckEveryMs: 60_000, notify: [] },
  }
}

const info: Call = { operation: 'GetAccountInformation', parameter: null }
const billing: Call = { operation: 'GetAlternateContact', parameter: 'BILLING' }
const security: Call = { operation: 'GetAlternateContact', parameter: 'SECURITY' }

test('144 accounts a minute are just what is for scheduled runs of GetAccountInformation, and 145 are not', () => {
  expect(quotaRows([{ monitor: monitor('a', 144, [info]), shortestGapMs: 60_000 }])).toMatchObject([{ probes: 144, fits: true }])
  expect(quotaRows([{ monitor: monitor('a', 145, [info]), shortestGapMs: 60_000 }])).toMatchObject([{ probes: 145, fits: false }])
})

test('monitors with the same credentials share a quota, others do not', () => {
  const twice = [
    { monitor: monitor('a', 100, [info]), shortestGapMs: 60_000 },
    { monitor: monitor('b', 100, [info]), shortestGapMs: 60_000 },
  ]
  expect(quotaRows(twice)).toMatchObject([{ probes: 200, fits: false }])
  const apart = [twice[0]!, { monitor: monitor('b', 100, [info], 'other'), shortestGapMs: 60_000 }]
  expect(quotaRows(apart)).toMatchObject([{ fits: true }, { fits: true }])
})

test('an operation with several parameters is one operation to the quota', () => {
  const rows = quotaRows([{ monitor: monitor('a', 6, [billing, security]), shortestGapMs: 1000 }])
  expect(rows).toMatchObject([
    { operation: 'GetAlternateContact', probes: 12, callsPerSecond: 12, quota: { perSecond: 10 }, fits: false },
  ])
})

test('every operation has a quota or is known to have none; contacts in China have one of their own', () => {
  const without = OPERATIONS.filter((operation) => quotaOf({ operation, parameter: null }, 'aws') === null)
  expect(without).toEqual(['GetGovCloudAccountInformation', 'GetPrimaryEmailUpdateStatus'])
  expect(quotaOf({ operation: 'GetContactInformation', parameter: null }, 'aws-cn')).toEqual({ perSecond: 3, burst: 5 })
})
