import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startSandbox } from '../sandbox/aws.ts'
import { HealthStandIn } from '../sandbox/health.ts'
import { type Caught, startMailbox } from '../sandbox/mailbox.ts'
import { writingTo } from './directory.ts'
import { EXIT } from './exit.ts'
import type { Io } from './io.ts'
import { fold } from './table.ts'

/** It lasts half a minute; on a machine that is very busy so long, or the demo says what it waited for and fails. */
const DEMO_MS = 80_000
const MAX_LINES_KEPT = 2_000
/** How much of a mail is shown; the rest is in its file. */
const SHOWN_LINES = 26
const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))

type Line = Readonly<Record<string, unknown>>

/**
 * A short story, played by the real daemon in a process of its own on a schedule of seconds. The stand-in for AWS and the
 * mailbox are in this process, on loopback ports: no account, no network.
 */
export async function demo(options: Readonly<{ keep?: string }>, io: Io): Promise<number> {
  // A directory of its own each time: a database that is there already would tell another story.
  const within = options.keep === undefined ? tmpdir() : resolve(options.keep)
  const directory = await writingTo(within, async () => {
    await mkdir(within, { recursive: true, mode: 0o700 })
    return mkdtemp(join(within, 'alibi-demo-'))
  })
  await using held = new AsyncDisposableStack()
  const ended = AbortSignal.any([AbortSignal.timeout(DEMO_MS), interrupted(held)])
  const aws = new HealthStandIn({ now: Date.now })
  const sandbox = await startSandbox({ handlers: [(request, body, response) => aws.handle(request, body, response)] })
  held.defer(() => sandbox.close())
  const mailbox = await startMailbox()
  held.defer(() => mailbox.close())
  const file = join(directory, 'alibi.yaml')
  const port = await freePort()
  await writingTo(directory, () => writeFile(file, configuration(directory, sandbox.url, mailbox.port, port)))

  const began = Date.now()
  const say = (text: string) => {
    const at = String(Math.round((Date.now() - began) / 1000)).padStart(3)
    io.out(fold(`${at}s  ${text}`, io.columns, 6))
  }
  const mail = (kind: string) => {
    const came = mailbox.waitFor((one) => one.headers['x-alibi-kind'] === kind, DEMO_MS)
    return Promise.race([came, rejection(ended, `a mail of kind ${kind}`)])
  }
  say('Alibi’s real daemon, against a stand-in for AWS and a mailbox on this machine. Half a minute, no AWS account.\n')
  const daemon = startDaemon(file, sandbox.endpoints(), ended)
  held.defer(async () => void (await daemon.stop()))
  try {
    await daemon.log('the daemon to be ready', (line) => line['message'] === 'ready')
    say(
      `The daemon runs (process ${daemon.pid}). It probes three Account operations every 2 seconds and mails oncall@example.com.`,
    )
    say(`Its page, while this lasts: http://127.0.0.1:${port}/`)

    await daemon.log('three ok runs', (line) => line['message'] === 'run' && line['outcome'] === 'ok', 3)
    say('All is well: every operation answers.\n')

    aws.publish({
      id: 'known',
      service: 'MULTIPLE_SERVICES',
      region: 'us-east-1',
      text: 'Calls of several services fail more often than they should; we look into it.',
      impacted: ['account', 'iam'],
    })
    sandbox.answer({}, 'InternalServerException')
    say('AWS breaks, and has said so: an event for us-east-1 lists Account among the impacted services.')
    const silent = await daemon.log('the silence', (line) => line['decision'] === 'withheld' && line['rule'] === 'suppression')
    say('Three runs failed with InternalServerException. No mail. The ledger says why:')
    say(`  “${String(silent['reason'])}”\n`)

    sandbox.answer({}, 'ok')
    aws.close('known')
    say('AWS mends it and closes the event.')
    await daemon.log('the incident to close', (line) => line['decision'] === 'closed')
    if (mailbox.mails.length > 0) throw new Error(`there should be no mail yet, and there are ${mailbox.mails.length}`)
    say('The incident is closed. Nobody was told of it, so nobody is told of its end. Mails so far: 0.\n')
    // The closed event explains for `extension` more: long enough to be seen as over.
    await daemon.log('the event to be over', (line) => line['message'] === 'run' && line['outcome'] === 'ok', 12)

    sandbox.answer({}, 'InternalServerException')
    say('The same failure again, and this time AWS has said nothing.')
    const failing = await mail('failing')
    say('AWS has no alibi. One mail:\n')
    io.out(`${shown(failing)}\n`)

    aws.publish({
      id: 'late',
      service: 'IAM',
      region: 'global',
      text: 'Calls of IAM and of account APIs fail more often than they should; we look into it.',
    })
    say('Only now AWS speaks: an IAM event.')
    const explained = await mail('now-explained')
    say(`A second mail, in the same thread: “${firstLine(explained)}”\n`)

    sandbox.answer({}, 'ok')
    aws.close('late')
    say('AWS mends it.')
    const recovered = await mail('recovered')
    say(`The last mail: “${firstLine(recovered)}”\n`)

    const code = await daemon.stop()
    if (code !== EXIT.well) throw new Error(`the daemon ended with ${code}`)
    say('The daemon was stopped; all it knew is on disk.')
    const kinds = mailbox.mails.map((one) => one.headers['x-alibi-kind'])
    if (kinds.join() !== 'failing,now-explained,recovered')
      throw new Error(`there are other mails than those three: ${kinds.join(', ')}`)
    await leave(mailbox.mails, directory)
    const left = ['1-failing.eml', '2-now-explained.eml', '3-recovered.eml', 'alibi.yaml', 'daemon.log']
    say('Two outages, three mails: none for the one that AWS had explained.\n')
    io.out(`The mails, the daemon’s configuration and its log are left in\n  ${directory}\n    ${left.join('  ')}`)
    return EXIT.well
  } catch (cause) {
    if (ended.reason instanceof Interrupted) {
      io.err('\nThe demo was interrupted; its daemon is stopped.')
      return EXIT.fault
    }
    io.err(`\nThe demo did not go as it should: ${cause instanceof Error ? cause.message : String(cause)}`)
    io.err(`What the daemon said last:\n${daemon.tail()}`)
    return EXIT.fault
  }
}

function configuration(directory: string, aws: string, smtpPort: number, webPort: number): string {
  return `# The demo's configuration: a schedule of seconds, and timers to match.
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

/** The daemon as a child, its log as something that can be waited for. */
function startDaemon(file: string, endpoints: Record<string, string>, ended: AbortSignal) {
  const { PATH, HOME, TZ } = process.env
  const inherited = Object.fromEntries(Object.entries({ PATH, HOME, TZ }).filter(([, value]) => value !== undefined))
  const child = spawn(process.execPath, [MAIN, 'run', '--config', file], {
    env: { ...inherited, ...endpoints },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const waiting = new Set<(line: Line) => void>()
  const exited = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : EXIT.fault))
  const take = (text: string) => {
    lines.push(text)
    if (lines.length > MAX_LINES_KEPT) lines.shift()
    const line = parsed(text)
    if (line !== null) for (const tell of [...waiting]) tell(line)
  }
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', take)
  const logFile = file.replace(/[^/]+$/, 'daemon.log')

  return {
    pid: child.pid,
    logFile,
    tail: () => lines.slice(-15).join('\n'),
    /** Resolves with the n-th line from now on that fits. */
    log(what: string, fits: (line: Line) => boolean, n = 1): Promise<Line> {
      const { promise, resolve: found } = Promise.withResolvers<Line>()
      let seen = 0
      const tell = (line: Line) => {
        if (!fits(line)) return
        seen += 1
        if (seen === n) found(line)
      }
      waiting.add(tell)
      const died = exited.then((code) =>
        Promise.reject(new Error(`the daemon ended with ${code} while the demo waited for ${what}`)),
      )
      return Promise.race([promise, died, rejection(ended, what)]).finally(() => waiting.delete(tell))
    },
    async stop(): Promise<number> {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      const code = await exited
      await writeFile(logFile, `${lines.join('\n')}\n`)
      return code
    },
  }
}

function parsed(text: string): Line | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Line) : null
  } catch {
    return null
  }
}

async function leave(mails: readonly Caught[], directory: string): Promise<void> {
  for (const [i, one] of mails.entries()) {
    const kind = (one.headers['x-alibi-kind'] ?? 'mail').replaceAll(/[^a-z-]/g, '')
    await writeFile(join(directory, `${i + 1}-${kind}.eml`), one.source)
  }
}

/** The mail as it reads: 78 columns wide, so that two more fit a terminal. */
function shown(one: Caught): string {
  const lines = one.text.split(/\r?\n/)
  const rest = lines.length - SHOWN_LINES
  const more = rest > 0 ? [`… ${rest} more lines: evidence, the last hour, near misses, a block for AWS Support`] : []
  return [`Subject: ${one.subject}`, '', ...lines.slice(0, SHOWN_LINES), ...more].map((line) => `│ ${line}`.trimEnd()).join('\n')
}

class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/** Aborts at Ctrl-C: the daemon is not left behind. */
function interrupted(held: AsyncDisposableStack): AbortSignal {
  const controller = new AbortController()
  const stop = () => controller.abort(new Interrupted())
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, stop)
    held.defer(() => void process.off(name, stop))
  }
  return controller.signal
}

/** Rejects when the signal aborts, saying what was waited for. */
function rejection(ended: AbortSignal, what: string): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(new Error(`it took more than ${DEMO_MS / 1000} s while it waited for ${what}`))
    if (ended.aborted) fail()
    else ended.addEventListener('abort', fail, { once: true })
  })
}

function firstLine(mail: Caught): string {
  const paragraph = mail.text.split(/\r?\n\r?\n/)[0] ?? ''
  return paragraph.replaceAll(/\s+/g, ' ').trim()
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
