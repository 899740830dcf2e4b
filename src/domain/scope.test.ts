import { expect, test } from 'vitest'
import { monitor } from '../../test/given.ts'
import { type Covered, coveredBy, covers, type Scope, scopeShown } from './scope.ts'

const scopeOf = (given: Partial<Scope>): Scope => ({ monitors: [], accounts: [], operations: [], regions: [], ...given })

const CONTACT: Covered = { monitor: 'production', account: '111122223333', operation: 'GetAlternateContact SECURITY' }
const TABLE: Covered = { monitor: 'tables', account: 'self', operation: 'dynamodb:DescribeTable TableName=orders in eu-west-1' }

test.for<[why: string, scope: Partial<Scope>, probe: Covered, expected: boolean]>([
  ['nothing named covers everything', {}, CONTACT, true],
  ['its monitor', { monitors: ['production'] }, CONTACT, true],
  ['one of several', { monitors: ['staging', 'production'] }, CONTACT, true],
  ['another monitor', { monitors: ['staging'] }, CONTACT, false],
  ['the beginning of its name is not its name', { monitors: ['prod'] }, CONTACT, false],
  ['nor a pattern', { monitors: ['*'] }, CONTACT, false],
  ['names differ by case', { monitors: ['Production'] }, CONTACT, false],
  ['its account', { accounts: ['111122223333'] }, CONTACT, true],
  ['another account', { accounts: ['111122223334'] }, CONTACT, false],
  ['its operation, whatever the parameter', { operations: ['GetAlternateContact'] }, CONTACT, true],
  ['its operation with the parameter', { operations: ['GetAlternateContact SECURITY'] }, CONTACT, true],
  ['its operation with another parameter', { operations: ['GetAlternateContact BILLING'] }, CONTACT, false],
  ['the beginning of its operation', { operations: ['GetAlternate'] }, CONTACT, false],
  ['an operation of a service', { operations: ['dynamodb:DescribeTable'] }, TABLE, true],
  ['the call as it is shown', { operations: ['dynamodb:DescribeTable TableName=orders in eu-west-1'] }, TABLE, true],
  ['the call in another region', { operations: ['dynamodb:DescribeTable TableName=orders in eu-west-2'] }, TABLE, false],
  ['an operation without its service', { operations: ['DescribeTable'] }, TABLE, false],
  ['its region', { regions: ['eu-west-1'] }, TABLE, true],
  ['another region', { regions: ['eu-west-2'] }, TABLE, false],
  ['calls to Account name no region', { regions: ['us-east-1'] }, CONTACT, false],
  ['all that is named has to fit', { monitors: ['production'], accounts: ['111122223333'] }, CONTACT, true],
  ['and one that does not is enough', { monitors: ['production'], accounts: ['444455556666'] }, CONTACT, false],
])('%s', ([, scope, probe, expected]) => {
  expect(covers(scopeOf(scope), probe)).toBe(expected)
})

test('a probe of the configuration is covered as the probe of an incident is', () => {
  const [probe] = monitor({ name: 'production', accounts: ['111122223333'] }).probes
  expect(coveredBy(probe!)).toEqual({ monitor: 'production', account: '111122223333', operation: 'GetContactInformation' })
})

test.for<[Partial<Scope>, string]>([
  [{}, 'every monitor'],
  [{ monitors: ['a'] }, 'monitor a'],
  [{ monitors: ['a', 'b'], operations: ['ListRegions'] }, 'monitors a and b, operation ListRegions'],
  [{ accounts: ['1', '2', '3', '4'] }, 'accounts 1, 2, 3 and 4'],
  [{ accounts: ['1', '2', '3', '4', '5'], regions: ['eu-west-1'] }, 'accounts 1, 2, 3 and 2 more, region eu-west-1'],
])('in words: %j', ([scope, expected]) => {
  expect(scopeShown(scopeOf(scope))).toBe(expected)
})
