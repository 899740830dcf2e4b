import { expect, test, vi } from 'vitest'
import { healthMessage } from '../../src/sandbox/eventbridge.ts'
import type { Caught } from '../../src/sandbox/mailbox.ts'
import { DEADLINE_MS, isDecision, isRun, type Line, type Parts, type Stage, stage } from './daemon-process.ts'

/* The real daemon, with the SDK's client of SQS, and a queue that EventBridge fills. */

const WITHIN = { timeout: DEADLINE_MS }
const QUEUE_PATH = '/123456789012/alibi-health'
const IAM = { id: 'iam', service: 'IAM', region: 'us-east-1', text: 'Increased error rates.', in: ['queue'] } as const

const isRead = (line: Line) => line['message'] === 'health queue read'
const kindOf = (mail: Caught) => mail.headers['x-alibi-kind'] ?? ''
/** An email that was being sent when the daemon was killed may come again, under its Message-ID: it is the same email. */
const kinds = ({ mailbox }: Stage) => [...new Map(mailbox.mails.map((mail) => [mail.messageId, kindOf(mail)])).values()]
const mailOf = ({ mailbox }: Stage, kind: string) => mailbox.waitFor((mail) => kindOf(mail) === kind, DEADLINE_MS)

/** No support plan, no dashboard: the queue alone. */
async function queued(parts: Parts = {}) {
  const on = await stage()
  on.aws.api = 'subscription-required'
  on.queue.visibilityMs = 500
  const health = `{ cacheFor: 10m, idleEvery: 10m, api: false, dashboard: false, queue: { url: "${on.sandbox.url}${QUEUE_PATH}" } }`
  await on.configure({ health, ...parts })
  return on
}

test('without a support plan, an outage is silent as soon as AWS has reported it to EventBridge', async () => {
  await using on = await queued({ policy: '{ wait: 10m, extension: 2s, joinWithin: 1s }' })
  const daemon = on.daemon()
  await daemon.line('an ok run', isRun('ok'))
  on.sandbox.answer({}, 'InternalServerException')
  await daemon.line('an incident that waits', isDecision('opened'))
  on.aws.publish(IAM)
  const silence = await daemon.line('the silence', (line) => isDecision('withheld')(line) && line['rule'] === 'suppression')
  expect(String(silence['reason'])).toContain('AWS_IAM_OPERATIONAL_ISSUE')
  expect(await on.incidents()).toMatchObject([{ state: 'suppressed', verdict: 'explained', explainedBy: on.aws.arnOf('iam') }])
  await vi.waitFor(() => expect(on.queue.size).toBe(0), WITHIN)
  // From EventBridge's message to the verdict, although readings stand for ten minutes here.
  const metrics = (await on.get('/metrics')).body
  expect(metrics).toMatch(/^alibi_health_queue_delay_seconds_bucket\{le="2"\} 1$/m)
  expect(metrics).toMatch(/^alibi_health_source_up\{partition="aws",source="queue"\} 1$/m)
  const page = (await on.get('/')).body
  expect(page).toContain('AWS Health events by EventBridge (queue)')
  expect(page).toContain('answered: 1 event, 1 open')

  on.aws.close('iam')
  on.sandbox.answer({}, 'ok')
  await daemon.line('the end', isDecision('closed'))
  expect(on.mailbox.mails).toEqual([])
})

test('a late event is emailed once, however often it is delivered and in whatever order', async () => {
  await using on = await queued()
  const daemon = on.daemon()
  await daemon.line('an ok run', isRun('ok'))
  on.sandbox.answer({}, 'InternalServerException')
  const failing = await mailOf(on, 'failing')
  expect(failing.text).toContain('whether a rule feeds it is not known')
  const at = Date.now()
  const event = {
    arn: 'arn:aws:health:global::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/AWS_IAM_OPERATIONAL_ISSUE_1',
    service: 'IAM',
    code: 'AWS_IAM_OPERATIONAL_ISSUE',
    category: 'issue',
    scope: 'PUBLIC',
    region: 'global',
    startedAt: at,
    updatedAt: at - 30_000,
    endedAt: null,
    text: 'Increased error rates.',
  } as const
  const update = { ...event, updatedAt: at - 10_000, text: 'We are recovering.' }
  const account = '123456789012'
  on.queue.reversed = true
  for (const told of [event, update]) {
    on.queue.send(healthMessage(told, { account }))
    on.queue.send(healthMessage(told, { account, deliveredTo: 'us-west-2', isBackup: true }))
    on.queue.send(healthMessage(told, { account, page: 2, pages: 2 }))
  }
  const explained = await mailOf(on, 'now-explained')
  expect(explained.text).toContain('the health queue')
  await vi.waitFor(() => expect(on.queue.size).toBe(0), WITHIN)
  on.sandbox.answer({}, 'ok')
  await mailOf(on, 'recovered')
  expect(kinds(on)).toEqual(['failing', 'now-explained', 'recovered'])
})

test('an event for one account explains the failures of that account and of no other', async () => {
  await using on = await queued()
  const daemon = on.daemon()
  await daemon.line('an ok run', isRun('ok'))
  const ours = { ...IAM, service: 'ACCOUNT', scope: 'ACCOUNT_SPECIFIC' } as const
  on.aws.publish({ ...ours, id: 'theirs', accounts: ['444455556666'] })
  await daemon.line('the event of another account', isRead)
  on.sandbox.answer({}, 'InternalServerException')
  const failing = await mailOf(on, 'failing')
  expect(failing.text).toContain('it was sent to another account')
  on.aws.publish({ ...ours, id: 'ours' })
  await mailOf(on, 'now-explained')
})

test('killed between the commit and the deletion, nothing is lost and nothing is emailed twice', async () => {
  await using on = await queued()
  const first = on.daemon()
  await first.line('an ok run', isRun('ok'))
  on.sandbox.answer({}, 'InternalServerException')
  await mailOf(on, 'failing')
  on.queue.denied.add('DeleteMessageBatch')
  on.aws.publish(IAM)
  await mailOf(on, 'now-explained')
  await first.line('what could not be deleted', (line) => line['message'] === 'failed to delete messages of the health queue')
  first.kill('SIGKILL')
  await first.exited
  expect(on.queue.size).toBe(1)

  on.queue.denied.clear()
  const second = on.daemon()
  await second.line('the message once more', (line) => isRead(line) && JSON.stringify(line['messages']) === '{"known":1}')
  await vi.waitFor(() => expect(on.queue.size).toBe(0), WITHIN)
  on.sandbox.answer({}, 'ok')
  await mailOf(on, 'recovered')
  expect(kinds(on)).toEqual(['failing', 'now-explained', 'recovered'])
})

test('what nobody can read is put aside by the queue itself, is named, and stops nothing', async () => {
  await using on = await queued()
  on.queue.maxReceives = 3
  const detail = (changes: object) => ({ eventArn: 'arn:aws:s3:::bucket', ...changes })
  const poison = [
    'not JSON',
    '[]',
    JSON.stringify({ source: 'aws.ec2', 'detail-type': 'EC2 Instance State-change Notification', detail: {} }),
    JSON.stringify({ source: 'aws.health', 'detail-type': 'AWS Health Event', detail: detail({}) }),
    JSON.stringify({ source: 'aws.health', 'detail-type': 'AWS Health Event', detail: 'x'.repeat(200_000) }),
  ]
  for (const body of poison) on.queue.send(body)
  on.queue.send(JSON.stringify({ source: 'aws.health', 'detail-type': 'AWS Health Abuse Event', detail: {} }))
  const daemon = on.daemon()
  await vi.waitFor(() => expect(on.queue.deadLetters.toSorted()).toEqual(poison.toSorted()), WITHIN)
  on.aws.publish(IAM)
  await vi.waitFor(() => expect(on.queue.size).toBe(0), WITHIN)
  const left = daemon.lines.filter((line) => line['message'] === 'message left in the health queue')
  expect(left).toHaveLength(poison.length)
  const { code, out } = await on.alibi('health')
  expect(code).toBe(0)
  expect(out).toMatch(/queue: .*answered, 1 event, 5 unreadable/)
  expect(out).toContain('5 messages were left in it')
  expect(out).toContain('AWS_IAM_OPERATIONAL_ISSUE')
})

test('a queue that refuses is reported once, and the end of that is noticed', async () => {
  await using on = await queued()
  on.queue.mode = 'denied'
  const live = await on.alibi('check', '--live')
  expect(live.out).toMatch(/health queue \(aws\).*sqs:ReceiveMessage/)
  const daemon = on.daemon()
  const told = await mailOf(on, 'misconfigured')
  expect(told.text).toContain('The health queue refuses to answer')
  expect((await on.get('/metrics')).body).toMatch(/^alibi_health_source_up\{partition="aws",source="queue"\} 0$/m)
  // Whoever mends it does not have to wait for the next question.
  on.queue.mode = 'ok'
  daemon.kill('SIGHUP')
  await daemon.line('the queue again', (line) => line['message'] === 'health queue answers again')
  expect(kinds(on)).toEqual(['misconfigured'])
  on.aws.publish(IAM)
  await vi.waitFor(() => expect(on.queue.size).toBe(0), WITHIN)
  const mended = await on.alibi('check', '--live')
  expect(mended.out).toMatch(/health queue \(aws\).*the daemon read an event of AWS Health from it on .*a rule feeds it/s)
})

test('a command takes no message away from the daemon', async () => {
  await using on = await queued()
  on.queue.visibilityMs = 60_000
  on.aws.publish(IAM)
  expect((await on.alibi('check', '--live')).out).toMatch(/health queue \(aws\).*received 1 event of AWS Health/s)
  const alone = await on.alibi('health')
  expect(alone.out).toContain('the daemon alone reads it')
  expect(alone.code).toBe(69)
  const calls = on.queue.calls.length
  const daemon = on.daemon()
  await daemon.line('the event', (line) => isRead(line) && JSON.stringify(line['messages']) === '{"taken":1}')
  expect(on.queue.calls.slice(0, calls)).toEqual(['ReceiveMessage', 'GetQueueAttributes'])
})
