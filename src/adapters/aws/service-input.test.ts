import {
  BatchGetItemCommand,
  DescribeTableCommand,
  ListBackupsCommand,
  QueryCommand,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb'
import { DescribeVpcsCommand } from '@aws-sdk/client-ec2'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { GetBucketAclCommand } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { fitted, type Schema, whyNeverThere } from './service-input.ts'

type Named = new (input: never) => Readonly<{ schema?: unknown }>

function schemas(Command: Named): readonly [takes: Schema, gives: Schema] {
  const { schema } = new Command({} as never)
  const [, , , , takes, gives] = schema as readonly Schema[]
  if (takes === undefined || gives === undefined) throw new Error('no schema')
  return [takes, gives]
}

const takenBy = (Command: Named, input: object) => fitted(input as Record<string, unknown>, schemas(Command)[0])

test.for<[Named, object, string]>([
  [DescribeTableCommand, {}, '`TableName`: this parameter is required'],
  [DescribeTableCommand, { TableName: 'a', X: 1 }, '`X`: there is no such parameter; expected `TableName`'],
  [DescribeTableCommand, { TableName: 5 }, '`TableName`: expected text: put it in quotes'],
  [DescribeTableCommand, { TableName: null }, '`TableName`: expected text'],
  [DescribeTableCommand, { constructor: 'a', TableName: 'a' }, '`constructor`: there is no such parameter; expected `TableName`'],
  [ListBackupsCommand, { Limit: '3' }, '`Limit`: expected a number, without quotes'],
  [
    ListBackupsCommand,
    { TimeRangeLowerBound: 'yesterday' },
    '`TimeRangeLowerBound`: expected a date such as `2026-01-31T12:00:00Z`',
  ],
  [
    ListBackupsCommand,
    { TimeRangeLowerBound: '2026-13-31' },
    '`TimeRangeLowerBound`: expected a date such as `2026-01-31T12:00:00Z`',
  ],
  [DescribeVpcsCommand, { Filters: [{ Name: 'a', Values: 'b' }] }, '`Filters.0.Values`: expected a list, such as `[a, b]`'],
  [DescribeVpcsCommand, { Filters: ['a'] }, '`Filters.0`: expected a mapping'],
  [DescribeVpcsCommand, { DryRun: 'yes' }, '`DryRun`: expected `true` or `false`'],
  [GetBucketAclCommand, { Bucket: '' }, '`Bucket`: expected text that is not empty'],
  [
    QueryCommand,
    { TableName: 'a', ExpressionAttributeValues: { ':a': { B: '%' } } },
    '`ExpressionAttributeValues.:a.B`: expected binary content in Base64',
  ],
  [BatchGetItemCommand, { RequestItems: { t: {} } }, '`RequestItems.t.Keys`: this parameter is required'],
])('%o does not take %j', ([Command, input, why]) => expect(takenBy(Command, input)).toEqual({ why }))

test('what YAML has as text or number becomes what the client takes', () => {
  const input = { TimeRangeLowerBound: '2026-01-31', TimeRangeUpperBound: 1_767_225_600, Limit: 3 }
  expect(takenBy(ListBackupsCommand, input)).toEqual({
    input: { TimeRangeLowerBound: new Date('2026-01-31'), TimeRangeUpperBound: new Date(1_767_225_600_000), Limit: 3 },
  })
  expect(takenBy(InvokeCommand, { FunctionName: 'f', Payload: 'aGk=' })).toEqual({
    input: { FunctionName: 'f', Payload: new Uint8Array(Buffer.from('hi')) },
  })
  const nested = { TableName: 'a', AttributeDefinitions: [{ AttributeName: 'a', AttributeType: 'S' }] }
  expect(takenBy(UpdateTableCommand, nested)).toEqual({ input: nested })
})

test('a member that no answer has is named, with the one that was meant', () => {
  const [, gives] = schemas(DescribeTableCommand)
  expect(whyNeverThere('Table', gives)).toBe(null)
  expect(whyNeverThere('Tabel', gives)).toBe('its answer has no member `Tabel`; did you mean `Table`?')
})
