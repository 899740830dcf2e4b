import { expect, test } from 'vitest'
import { type Call, callShown, parameterOf, partsOfId, probeId } from './probe.ts'

const account = (parameter: string | null): Call => ({ operation: 'GetAlternateContact', parameter })
const table = (input: Record<string, unknown>): Call => ({
  operation: 'dynamodb:DescribeTable',
  parameter: parameterOf(input),
  region: 'eu-west-1',
  input,
  expect: null,
  rate: null,
})

test.each([
  [account('SECURITY'), 'm/self/GetAlternateContact:SECURITY', 'GetAlternateContact SECURITY'],
  [account(null), 'm/self/GetAlternateContact', 'GetAlternateContact'],
  [
    table({ TableName: 'orders' }),
    'm/self/dynamodb:DescribeTable@eu-west-1:TableName=orders',
    'dynamodb:DescribeTable TableName=orders in eu-west-1',
  ],
  [table({}), 'm/self/dynamodb:DescribeTable@eu-west-1', 'dynamodb:DescribeTable in eu-west-1'],
])('the id of a call, and how it is shown: %#', (call, id, shown) => {
  expect(probeId('m', 'self', call)).toBe(id)
  expect(callShown(call)).toBe(shown)
  expect(partsOfId(id)).toEqual({ account: 'self', operation: shown })
  expect(partsOfId(`a/${id}`)).toEqual({ account: 'self', operation: shown })
})

test('calls differ even by parameters that do not fit into an id', () => {
  const path = parameterOf({ Name: '/app/db' })
  expect(path).toMatch(/^Name=_app_db~[0-9a-f]{8}$/)
  expect(path).not.toBe(parameterOf({ Name: '/app_db' }))
  const long = parameterOf({ Filters: Array.from({ length: 50 }, (_, i) => ({ Name: `f${i}` })) })
  expect(long?.length).toBeLessThan(80)
  expect(long).toMatch(/^[\w.=,+-]+~[0-9a-f]{8}$/)
  expect(parameterOf({ b: 1, a: 2 })).toBe(parameterOf({ a: 2, b: 1 }))
})
