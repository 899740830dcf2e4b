import { expect, test } from 'vitest'
import { isDecision, isRun, stage } from './daemon-process.ts'

const COUNT = 20
const ACCOUNTS = Array.from({ length: COUNT }, (_, i) => `"${111_111_111_100 + i}"`)

test('many accounts fail at once, and AWS Health allows one call a second: nobody is emailed what AWS has announced', async () => {
  await using world = await stage({
    monitors: `
  - name: all
    schedule: "*/10 * * * * *"
    spread: 0s
    accounts: [${ACCOUNTS.join(', ')}]
    operations: [GetContactInformation]
    attempts: 1
    fail: 2
    retryInterval: 5s
    timeout: 2s
    recheckEvery: 10s`,
    policy: '{ joinWithin: 30m }',
    health: '{ cacheFor: 60s, dashboard: false, related: [IAM, STS] }',
  })
  world.aws.callsPerSecond = 1
  world.aws.organization = true
  world.aws.publish({ id: 'known', service: 'IAM', in: ['api'] })
  const daemon = world.daemon()
  await daemon.ready()
  await daemon.next('an ok run', isRun('ok'))
  const before = world.aws.asked.length
  world.sandbox.answer({}, 'InternalServerException')
  const all = daemon.next('all have joined', isDecision('joined'), COUNT - 1)
  await daemon.line('a reason for the silence', isDecision('withheld'))
  await all
  expect(world.mailbox.mails).toEqual([])
  // Two or three readings of five calls, each of which is throttled now and then; once a probe it were twenty readings.
  expect(world.aws.asked.length - before, 'calls, those that were throttled as well').toBeLessThan(2 * COUNT)
  expect((await world.incidents())[0]).toMatchObject({ verdict: 'explained', state: 'suppressed' })
})
