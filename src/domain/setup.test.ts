import { expect, test } from 'vitest'
import { monitor, setup } from '../../test/given.ts'
import { accountName, operationKey, operationShown } from './setup.ts'

test('monitors, probes and recipients by name', () => {
  const is = setup({
    monitors: [{ name: 'a', operations: ['ListRegions', 'GetContactInformation'] }, { name: 'b' }],
    recipients: { x: null, y: 5 },
  })
  expect([...is.monitors.keys()]).toEqual(['a', 'b'])
  expect([...is.probes.keys()]).toEqual([
    'a/111122223333/ListRegions',
    'a/111122223333/GetContactInformation',
    'b/111122223333/GetContactInformation',
  ])
  expect([...is.recipients.keys()]).toEqual(['x', 'y'])
})

test('for the test of width: the same operation in the same partition, over all monitors', () => {
  const is = setup({
    monitors: [
      { name: 'a', accounts: ['1', '2'] },
      { name: 'b', accounts: ['3'] },
      { name: 'c', partition: 'aws-cn' },
      { name: 'd', operations: ['ListRegions'] },
    ],
  })
  expect([...is.sameOperation].map(([key, probes]) => [key, probes.length])).toEqual([
    ['aws GetContactInformation', 3],
    ['aws-cn GetContactInformation', 1],
    ['aws ListRegions', 1],
  ])
})

test('the parameter of an operation makes no other operation of it, yet it is shown', () => {
  const [probe] = monitor().probes
  const billing = { ...probe!, call: { operation: 'GetAlternateContact', parameter: 'BILLING' } as const }
  expect(operationKey('aws', billing)).toBe('aws GetAlternateContact')
  expect(operationShown(billing)).toBe('GetAlternateContact BILLING')
  expect(operationShown(probe!)).toBe('GetContactInformation')
})

test('`self` is another account under other credentials', () => {
  const self = { ...monitor().probes[0]!, account: 'self' }
  const names = ['prod', 'test'].map((profile) =>
    accountName(self, monitor({ credentials: { profile, roleArn: null, externalId: null, sessionName: null } })),
  )
  expect(names).toEqual(['self@prod||', 'self@test||'])
  expect(accountName(monitor().probes[0]!, monitor())).toBe('111122223333')
})
