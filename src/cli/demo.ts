import { once } from 'node:events'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Sandbox, startSandbox } from '../sandbox/aws.ts'
import { HealthStandIn } from '../sandbox/health.ts'
import { type Caught, type Mailbox, startMailbox } from '../sandbox/mailbox.ts'
import { type DemoDaemon, type LogLine, startDemoDaemon } from './demo-daemon.ts'
import { EXIT } from './exit.ts'
import type { Io } from './io.ts'
import { writingTo } from './output-directory.ts'
import { fold } from './table.ts'

/** The demo takes half a minute. After this time it gives up, and says what it was waiting for. */
const MAX_DEMO_MS = 80_000
/** Lines of an email that are shown; the file has all of them. */
const SHOWN_LINES = 26

/**
 * Plays a short story with the real daemon, which runs as a process of its own on a schedule of seconds. The stand-in for AWS
 * and the mailbox listen on loopback ports of this process: neither an AWS account nor a network is needed.
 */
export async function demo(options: Readonly<{ keep?: string }>, io: Io): Promise<number> {
  await using held = new AsyncDisposableStack()
  const ended = AbortSignal.any([AbortSignal.timeout(MAX_DEMO_MS), interruption(held)])
  const stage = await setUp(options.keep, { io, held, ended })
  try {
    await outageThatAwsExplains(stage)
    await outageThatAwsExplainsLate(stage)
    await end(stage, io)
    return EXIT.ok
  } catch (cause) {
    if (ended.reason instanceof Interrupted) {
      io.err('\nThe demo was interrupted. Its daemon has been stopped.')
      return EXIT.internal
    }
    io.err(`\nThe demo failed: ${cause instanceof Error ? cause.message : String(cause)}`)
    io.err(`The daemon's last output:\n${stage.daemon.tail()}`)
    return EXIT.internal
  }
}

type Stage = Readonly<{
  directory: string
  aws: HealthStandIn
  sandbox: Sandbox
  mailbox: Mailbox
  daemon: DemoDaemon
  pageUrl: string
  /** Prints a sentence, with the seconds since the start. */
  say: (text: string) => void
  /** Prints an email in full. */
  show: (mail: Caught) => void
  mailOfKind: (kind: string) => Promise<Caught>
}>

type DemoProcess = Readonly<{ io: Io; held: AsyncDisposableStack; ended: AbortSignal }>

async function setUp(keep: string | undefined, { io, held, ended }: DemoProcess): Promise<Stage> {
  // A new directory every time: the state of an earlier demo would change the story.
  const parent = keep === undefined ? tmpdir() : resolve(keep)
  const directory = await writingTo(parent, async () => {
    await mkdir(parent, { recursive: true, mode: 0o700 })
    return mkdtemp(join(parent, 'alibi-demo-'))
  })
  const aws = new HealthStandIn({ now: Date.now })
  const sandbox = await startSandbox({ handlers: [(request, body, response) => aws.handle(request, body, response)] })
  held.defer(() => sandbox.close())
  const mailbox = await startMailbox()
  held.defer(() => mailbox.close())
  const configFile = join(directory, 'alibi.yaml')
  const port = await freePort()
  const text = configuration(directory, { aws: sandbox.url, smtpPort: mailbox.port, webPort: port })
  await writingTo(directory, () => writeFile(configFile, text))

  const startedAt = Date.now()
  const say = (sentence: string) => {
    const seconds = String(Math.round((Date.now() - startedAt) / 1000)).padStart(3)
    io.out(fold(`${seconds}s  ${sentence}`, io.columns, 6))
  }
  say('Alibi’s real daemon, with a stand-in for AWS and a mailbox on this machine. It takes half a minute.\n')
  const daemon = startDemoDaemon({
    configFile,
    logFile: join(directory, 'daemon.log'),
    endpoints: sandbox.endpoints(),
    giveUp: (what) => rejection(ended, what),
  })
  held.defer(async () => void (await daemon.stop()))
  return {
    ...{ directory, aws, sandbox, mailbox, daemon, say },
    pageUrl: `http://127.0.0.1:${port}/`,
    show: (mail) => io.out(`${textOf(mail)}\n`),
    mailOfKind: (kind) => {
      const received = mailbox.waitFor((mail) => mail.headers['x-alibi-kind'] === kind, MAX_DEMO_MS)
      return Promise.race([received, rejection(ended, `an email of kind ${kind}`)])
    },
  }
}

const isOkRun = (line: LogLine) => line['message'] === 'run' && line['outcome'] === 'ok'

async function outageThatAwsExplains({ aws, sandbox, mailbox, daemon, pageUrl, say }: Stage): Promise<void> {
  await daemon.logLine('the daemon to be ready', (line) => line['message'] === 'ready')
  say(
    `The daemon runs (process ${daemon.pid}). It probes three Account operations every 2 seconds and emails oncall@example.com.`,
  )
  say(`Its status page, as long as the demo runs: ${pageUrl}`)
  await daemon.logLine('three ok runs', isOkRun, 3)
  say('All is well: every operation succeeds.\n')

  aws.publish({
    id: 'known',
    service: 'MULTIPLE_SERVICES',
    region: 'us-east-1',
    text: 'We are investigating increased error rates for multiple services.',
    impacted: ['account', 'iam'],
  })
  sandbox.answer({}, 'InternalServerException')
  say('An outage that AWS has posted: its event for us-east-1 lists Account among the impacted services.')
  const silent = await daemon.logLine(
    'the decision not to send an email',
    (line) => line['decision'] === 'withheld' && line['rule'] === 'suppression',
  )
  say('Three runs failed with InternalServerException. No email is sent. The ledger says why:')
  say(`  “${String(silent['reason'])}”\n`)

  sandbox.answer({}, 'ok')
  aws.close('known')
  say('AWS recovers and closes the event.')
  await daemon.logLine('the incident to close', (line) => line['decision'] === 'closed')
  if (mailbox.mails.length > 0) throw new Error(`expected no email so far, but there are ${mailbox.mails.length}`)
  say('The incident is closed. Nobody was notified of it, so nobody is notified of its end. Emails so far: 0.\n')
  // The closed event still explains failures for the time of `extension`.
  await daemon.logLine('the event to lapse', isOkRun, 12)
}

async function outageThatAwsExplainsLate({ aws, sandbox, say, show, mailOfKind }: Stage): Promise<void> {
  sandbox.answer({}, 'InternalServerException')
  say('The same failure again, but this time AWS has posted nothing.')
  const failing = await mailOfKind('failing')
  say('AWS has no alibi, so an email is sent:\n')
  show(failing)

  aws.publish({
    id: 'late',
    service: 'IAM',
    region: 'global',
    text: 'We are investigating increased error rates for IAM and account APIs.',
  })
  say('Only now does AWS post an event, for IAM.')
  say(`A second email follows in the same thread: “${firstParagraph(await mailOfKind('now-explained'))}”\n`)

  sandbox.answer({}, 'ok')
  aws.close('late')
  say('AWS recovers.')
  say(`The last email: “${firstParagraph(await mailOfKind('recovered'))}”\n`)
}

async function end({ directory, mailbox, daemon, say }: Stage, io: Io): Promise<void> {
  const code = await daemon.stop()
  if (code !== EXIT.ok) throw new Error(`the daemon ended with exit code ${code}`)
  say('The daemon has been stopped.')
  const kinds = mailbox.mails.map((mail) => mail.headers['x-alibi-kind'])
  if (kinds.join() !== 'failing,now-explained,recovered')
    throw new Error(`expected one email each of failing, now-explained and recovered, but got ${kinds.join(', ')}`)
  await writeMails(mailbox.mails, directory)
  const files = ['1-failing.eml', '2-now-explained.eml', '3-recovered.eml', 'alibi.yaml', 'daemon.log']
  say('Two outages, three emails: none for the outage that AWS had posted.\n')
  io.out(`The emails, the configuration and the log are in\n  ${directory}\n    ${files.join('  ')}`)
}

function configuration(
  directory: string,
  { aws, smtpPort, webPort }: Readonly<{ aws: string; smtpPort: number; webPort: number }>,
): string {
  return `# The configuration of the demo: a schedule of seconds, and timers to match.
monitors:
  - name: production
    schedule: "*/2 * * * * *"
    spread: 0s
    operations: [GetAccountInformation, GetContactInformation, ListRegions]
    attempts: 1
    timeout: 1500ms
    retryInterval: 2s
    recheckEvery: 2s
    impact: New accounts cannot be created.
    runbook: https://wiki.example/aws-account
policy: { extension: 3s, reopenWithin: 1s, joinWithin: 1s }
health: { cacheFor: 1s, dashboard: { url: "${aws}/public/currentevents" } }
control: { url: "${aws}/" }
recipients:
  oncall: { to: [oncall@example.com] }
mail:
  from: Alibi <alibi@example.com>
  smtp: { host: 127.0.0.1, port: ${smtpPort}, security: none }
storage: { path: "${join(directory, 'alibi.db')}" }
log: { format: json }
web: { listen: "127.0.0.1:${webPort}" }
`
}

async function writeMails(mails: readonly Caught[], directory: string): Promise<void> {
  for (const [i, mail] of mails.entries()) {
    const kind = (mail.headers['x-alibi-kind'] ?? 'mail').replaceAll(/[^a-z-]/g, '')
    await writeFile(join(directory, `${i + 1}-${kind}.eml`), mail.source)
  }
}

/** The text is 78 columns wide: with the margin it fits a terminal. */
function textOf({ subject, text }: Caught): string {
  const lines = text.split(/\r?\n/)
  const rest = lines.length - SHOWN_LINES
  const more = rest > 0 ? [`… ${rest} more lines: evidence, the last hour, rejected events, a block for AWS Support`] : []
  return [`Subject: ${subject}`, '', ...lines.slice(0, SHOWN_LINES), ...more].map((line) => `│ ${line}`.trimEnd()).join('\n')
}

function firstParagraph({ text }: Caught): string {
  const paragraph = text.split(/\r?\n\r?\n/)[0] ?? ''
  return paragraph.replaceAll(/\s+/g, ' ').trim()
}

class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/** Aborts on Ctrl-C, so that the daemon is stopped as well. */
function interruption(held: AsyncDisposableStack): AbortSignal {
  const controller = new AbortController()
  const stop = () => controller.abort(new Interrupted())
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, stop)
    held.defer(() => void process.off(name, stop))
  }
  return controller.signal
}

/** Rejects when the signal aborts. */
function rejection(ended: AbortSignal, what: string): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(new Error(`gave up after ${MAX_DEMO_MS / 1000} s, waiting for ${what}`))
    if (ended.aborted) fail()
    else ended.addEventListener('abort', fail, { once: true })
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
