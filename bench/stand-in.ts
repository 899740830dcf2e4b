// The world outside, in a process of its own so that its work is not counted: AWS Account and other services, AWS Health, a mailbox.
import { ApiStandIn } from '../src/sandbox/api.ts'
import { startSandbox } from '../src/sandbox/aws.ts'
import { HealthStandIn } from '../src/sandbox/health.ts'
import { type Caught, startMailbox } from '../src/sandbox/mailbox.ts'
import { answering } from './child.ts'
import { ANSWERS } from './other-services.ts'

const OPERATION = 'GetAccountInformation'
const MAIL_MS = 300_000
/** Events that explain nothing: a day on which AWS has its usual troubles elsewhere. */
const EVENTS_ELSEWHERE = 20

export type Doors = Readonly<{ url: string; smtpPort: number; endpoints: Record<string, string> }>
export type Turn = Readonly<{ answer: 'ok' | 'InternalServerException'; mail: string }>
/** Failed requests until the threshold is crossed. */
export type Outage = Readonly<{ requests: number }>

const health = new HealthStandIn({ now: Date.now })
for (let i = 0; i < EVENTS_ELSEWHERE; i++) {
  health.publish({
    id: `elsewhere-${i}`,
    service: i % 2 === 0 ? 'EC2' : 'LAMBDA',
    region: i % 3 === 0 ? 'us-east-1' : 'eu-north-1',
  })
}
const api = new ApiStandIn()
for (const { service, operation, answer } of ANSWERS) api.answer({ service, operation }, answer)
const sandbox = await startSandbox({
  handlers: [
    (request, body, response) => api.handle(request, body, response),
    (request, body, response) => health.handle(request, body, response),
  ],
})
const mailbox = await startMailbox()

/** Lets AWS fail, waits for the mail, lets it recover. Milliseconds from the crossing run's last request to the mail's 250. */
async function outage({ requests }: Outage): Promise<number> {
  const before = sandbox.count(OPERATION)
  const old = new Set(mailbox.mails)
  const come = (...kinds: string[]) =>
    mailbox.waitFor((mail: Caught) => !old.has(mail) && kinds.includes(mail.headers['x-alibi-kind'] ?? ''), MAIL_MS)
  sandbox.answer({}, 'InternalServerException')
  // A run is ok as soon as one of its tries is: from here on each request is a try of a run that fails.
  const mail = await come('failing', 'flapping')
  const failed = sandbox.received({ operation: OPERATION }).slice(before - sandbox.count(OPERATION))
  const crossing = failed[requests - 1]
  if (crossing === undefined) throw new Error(`a mail after ${failed.length} failed requests, before the threshold`)
  sandbox.answer({}, 'ok')
  await come('recovered')
  return mail.at - crossing.at
}

/** How each call ends from now on, and what came of it: milliseconds from now until a mail of that kind was accepted. */
async function turn({ answer, mail }: Turn): Promise<number> {
  const old = new Set(mailbox.mails)
  const at = Date.now()
  sandbox.answer({}, answer)
  const came = await mailbox.waitFor((one: Caught) => !old.has(one) && one.headers['x-alibi-kind'] === mail, MAIL_MS)
  return came.at - at
}

answering(
  {
    doors: (): Doors => ({ url: sandbox.url, smtpPort: mailbox.port, endpoints: sandbox.endpoints() }),
    asked: () => sandbox.count(OPERATION),
    outage,
    turn,
  },
  async () => {
    await sandbox.close()
    await mailbox.close()
  },
)
