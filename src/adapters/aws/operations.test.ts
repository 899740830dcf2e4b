import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { OPERATIONS, WRITING_OPERATIONS } from '../../domain/probe.ts'
import { ASK } from './operations.ts'

const SRC = join(import.meta.dirname, '../..')

test('the operations that can be asked are the eight that only read', () => {
  expect(Object.keys(ASK).toSorted()).toEqual([...OPERATIONS].toSorted())
  const writing: readonly string[] = WRITING_OPERATIONS
  expect(OPERATIONS.filter((operation) => writing.includes(operation))).toEqual([])
})

/** Everything that takes a command by its name, or all of them at once, would get around the list. */
const COMMANDS = new RegExp(
  `\\b(${WRITING_OPERATIONS.join('|')})(Command|\\b(?!'))|import \\* as \\w+ from '@aws-sdk|new Account\\(`,
  'i',
)

test('no source file of ours has a command that writes', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.tsx?$/.test(file) && !/\.test\./.test(file),
  )
  expect(files.length).toBeGreaterThan(20)
  const guilty = files.filter((file) => COMMANDS.test(readFileSync(join(SRC, file), 'utf8')))
  expect(guilty).toEqual([])
})

/** The client of Organizations is imported in one place, and these are all that is taken of it. */
const LISTING = [
  'ListAccountsCommand',
  'ListAccountsForParentCommand',
  'ListOrganizationalUnitsForParentCommand',
  'OrganizationsClient',
]

test('of Organizations there is only what lists', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.tsx?$/.test(file) && !/\.test\./.test(file),
  )
  const taken = files.flatMap((file) => {
    const source = readFileSync(join(SRC, file), 'utf8')
    const imports = [...source.matchAll(/import (?:type )?\{([^}]*)\} from '@aws-sdk\/client-organizations'/g)]
    // Whoever names the package in another way takes more than can be seen here.
    const named = source.split('@aws-sdk/client-organizations').length - 1
    return [...imports.flatMap(([, names = '']) => names.match(/\w+/g) ?? []), ...Array(named - imports.length).fill(`? ${file}`)]
  })
  expect(taken.toSorted()).toEqual(LISTING)
})

/** What is taken of SQS: of these DeleteMessageBatch alone writes, and only in the queue that `health.queue` names. */
const QUEUEING = ['DeleteMessageBatchCommand', 'GetQueueAttributesCommand', 'ReceiveMessageCommand', 'SQSClient']

test('of SQS there is only what receives, deletes what was received, and looks at a queue', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.tsx?$/.test(file) && !/\.test\./.test(file),
  )
  const naming = files.filter((file) => readFileSync(join(SRC, file), 'utf8').includes('@aws-sdk/client-sqs'))
  expect(naming).toEqual([join('adapters', 'aws', 'sqs.ts')])
  const source = readFileSync(join(SRC, 'adapters/aws/sqs.ts'), 'utf8')
  const taken = new Set(source.match(/\b(?:\w+Command|SQSClient|SQS)\b/g))
  expect([...taken].toSorted()).toEqual([...QUEUEING, 'SQS'].toSorted())
})
