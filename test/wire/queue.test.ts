import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { keyring } from '../../src/adapters/aws/credentials.ts'
import { type SqsOptions, sqsQueue } from '../../src/adapters/aws/sqs.ts'
import { systemClock } from '../../src/adapters/clock.ts'
import type { Credentials } from '../../src/domain/probe.ts'
import type { Received } from '../../src/ports/health-queue.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/aws.ts'
import { healthMessage } from '../../src/sandbox/eventbridge.ts'
import { QueueStandIn } from '../../src/sandbox/queue.ts'

/* The SDK's own client of SQS against a stand-in that speaks its JSON protocol. */

const ACCOUNT = '123456789012'
const CHAIN: Credentials = { profile: null, roleArn: null, externalId: null, sessionName: null }
const never = new AbortController().signal
const ARN = 'arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/AWS_IAM_OPERATIONAL_ISSUE_1'
const message = (text = 'Increased error rates.', updatedAt = Date.now()) =>
  healthMessage(
    {
      arn: ARN,
      service: 'IAM',
      code: 'AWS_IAM_OPERATIONAL_ISSUE',
      category: 'issue',
      scope: 'PUBLIC',
      region: 'us-east-1',
      startedAt: updatedAt,
      updatedAt,
      endedAt: null,
      text,
    },
    { account: ACCOUNT },
  )

let now: number
let sqs: QueueStandIn
let sandbox: Sandbox
const open: { close(): void }[] = []

beforeEach(async () => {
  now = Date.now()
  sqs = new QueueStandIn({ now: () => now })
  sandbox = await startSandbox({ handlers: [(request, body, response) => sqs.handle(request, body, response)] })
  // The SDK's own providers look nowhere else.
  for (const [name, value] of Object.entries(sandbox.endpoints())) vi.stubEnv(name, value)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const one of open.splice(0)) one.close()
  sqs.close()
  await sandbox.close()
})

function queue(changes: Partial<SqsOptions> = {}) {
  const env = sandbox.endpoints()
  const ring = keyring({ clock: systemClock, env })
  const made = sqsQueue({
    url: `${sandbox.url}/${ACCOUNT}/alibi-health`,
    region: 'us-east-1',
    partition: 'aws',
    holder: { credentials: CHAIN, stsRegion: 'us-west-2' },
    keyring: ring,
    clock: systemClock,
    timeoutMs: 5_000,
    ...changes,
  })
  open.push(made, ring)
  return made
}

function messagesIn(received: Received) {
  expect(received).toMatchObject({ state: 'received' })
  return (received as Extract<Received, { state: 'received' }>).messages
}

test('a message is received with the time at which it was sent, and is gone once it is deleted', async () => {
  const client = queue()
  sqs.send(message(), { sentAt: now - 1_234 })
  const messages = messagesIn(await client.receive(0, 10, never))
  expect(messages).toEqual([
    expect.objectContaining({ sentAt: now - 1_234, content: expect.objectContaining({ kind: 'event' }) }),
  ])
  expect(await client.delete(messages, never)).toBeNull()
  expect(sqs.size).toBe(0)
  expect(sqs.calls).toEqual(['ReceiveMessage', 'DeleteMessageBatch'])
})

test('it waits for a message and has it at once', async () => {
  const asking = queue().receive(20_000, 10, never)
  await vi.waitFor(() => expect(sqs.calls).toEqual(['ReceiveMessage']))
  sqs.send(message())
  expect(messagesIn(await asking)).toHaveLength(1)
})

test('what is not deleted comes again', async () => {
  const client = queue()
  sqs.send(message())
  const [first] = messagesIn(await client.receive(0, 10, never))
  expect(messagesIn(await client.receive(0, 10, never))).toEqual([])
  now += sqs.visibilityMs
  const [again] = messagesIn(await client.receive(0, 10, never))
  expect(again?.id).toBe(first?.id)
  expect(again?.receipt).not.toBe(first?.receipt)
})

test('a look leaves the messages to whoever receives them', async () => {
  const client = queue()
  sqs.send(message())
  expect(messagesIn(await client.look(never))).toHaveLength(1)
  expect(messagesIn(await client.receive(0, 10, never))).toHaveLength(1)
})

test('the queue is asked at its own address, whatever the environment says of endpoints', async () => {
  const env = { ...sandbox.endpoints(), AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:9', AWS_ENDPOINT_URL: 'http://127.0.0.1:9' }
  const ring = keyring({ clock: systemClock, env })
  open.push(ring)
  sqs.send(message())
  expect(messagesIn(await queue({ keyring: ring }).receive(0, 10, never))).toHaveLength(1)
})

test('a message that was damaged on its way costs no other', async () => {
  sqs.send(message('one'))
  sqs.send(message('two'), { isDamaged: true })
  sqs.send(message('three'))
  const messages = messagesIn(await queue().receive(0, 10, never))
  expect(messages.map(({ content }) => content.kind)).toEqual(['event', 'foreign', 'event'])
})

describe('a refusal by SQS is distinguished from a passing error', () => {
  test.for<
    ['denied' | 'gone' | 'throttled' | 'kms-throttled' | 'unavailable' | 'expired-token' | 'garbage' | 'no-list' | 'cut', object]
  >([
    ['denied', { state: 'refused', why: expect.stringContaining('sqs:ReceiveMessage') }],
    ['gone', { state: 'refused', why: expect.stringContaining('there is no such queue') }],
    ['throttled', { state: 'unavailable', heard: true, throttled: true }],
    ['kms-throttled', { state: 'unavailable', heard: true, throttled: true }],
    ['unavailable', { state: 'unavailable', heard: true }],
    ['expired-token', { state: 'unavailable', ours: 'credentials' }],
    ['garbage', { state: 'unavailable' }],
    ['no-list', { state: 'unavailable', heard: true }],
    ['cut', { state: 'unavailable' }],
  ])('%s', async ([mode, expected]) => {
    for (const tellsQueryError of [true, false]) {
      sqs.mode = mode
      sqs.tellsQueryError = tellsQueryError
      expect(await queue().receive(0, 10, never)).toMatchObject(expected)
    }
    // One try each: a second one would take messages a second time.
    expect(sqs.calls).toHaveLength(2)
  })

  test('an answer that never comes is given up', async () => {
    sqs.mode = 'hang'
    expect(await queue({ timeoutMs: 50 }).receive(0, 10, never)).toEqual({
      state: 'unavailable',
      why: expect.stringContaining('no whole answer'),
    })
  })

  test('nobody is there', async () => {
    const received = await queue({ url: 'http://127.0.0.1:9/123456789012/alibi-health' }).receive(0, 10, never)
    expect(received).toMatchObject({ state: 'unavailable', why: expect.stringContaining('ECONNREFUSED') })
  })

  test('when we stop nobody is waited for', async () => {
    const stop = new AbortController()
    const asking = queue().receive(20_000, 10, stop.signal)
    await vi.waitFor(() => expect(sqs.calls).toEqual(['ReceiveMessage']))
    stop.abort()
    expect(await asking).toMatchObject({ state: 'unavailable' })
  })

  test('the reason why messages could not be deleted is reported', async () => {
    const client = queue()
    sqs.send(message())
    const messages = messagesIn(await client.receive(0, 10, never))
    sqs.denied.add('DeleteMessageBatch')
    expect(await client.delete(messages, never)).toContain('sqs:DeleteMessage')
  })
})

test('attributes say how long messages are kept, and whether those that nobody takes are put aside', async () => {
  sqs.retentionMs = 14 * 24 * 3_600_000
  sqs.maxReceives = 5
  sqs.send(message())
  expect(await queue().attributes(never)).toEqual({ retentionMs: 14 * 24 * 3_600_000, hasRedrive: true, messages: 1 })
  sqs.denied.add('GetQueueAttributes')
  await expect(queue().attributes(never)).rejects.toThrow('AccessDenied')
})
