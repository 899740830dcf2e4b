import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ApiStandIn } from '../../src/sandbox/api.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/aws.ts'
import { HealthStandIn } from '../../src/sandbox/health.ts'
import { type Mailbox, type MailboxOptions, startMailbox } from '../../src/sandbox/mailbox.ts'
import { OrganizationStandIn } from '../../src/sandbox/organizations.ts'
import { QueueStandIn } from '../../src/sandbox/queue.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const MAIN = join(ROOT, 'dist/main.js')

/** Nothing that is waited for takes so long, on a machine that has other things to do as well. */
export const DEADLINE_MS = 45_000
const POLL_MS = 25
/** A daemon that nobody ended by then is killed: no test lasts so long. */
const LIFETIME_MS = 600_000
const MAX_LINES = 20_000

/** A line of the daemon's log. */
export type Line = Readonly<Record<string, unknown>>

/** The parts of the configuration that tests change: YAML, each in place of the usual. */
export type Parts = Readonly<{
  monitors?: string
  policy?: string
  health?: string
  recipients?: string
  mail?: string
  storage?: string
  web?: string
  more?: string
}>

/** What a command printed and how it ended. */
export type Ended = Readonly<{ code: number | null; signal: NodeJS.Signals | null; out: string; err: string; ms: number }>

/** AWS, a mailbox and a directory, for as long as a test lasts; and the real daemon and commands against them. */
export type Stage = AsyncDisposable &
  Readonly<{
    directory: string
    config: string
    database: string
    port: number
    aws: HealthStandIn
    organization: OrganizationStandIn
    /** What EventBridge fills; no daemon reads it unless its configuration says so. */
    queue: QueueStandIn
    /** The other services; no daemon reaches them unless its environment says so. */
    api: ApiStandIn
    sandbox: Sandbox
    mailbox: Mailbox
    env: Record<string, string>
    configure(parts: Parts): Promise<void>
    /** Starts `alibi run`, as another machine where that is said. It is killed with the stage, if nobody ended it before. */
    daemon(env?: Record<string, string>, at?: Place): Daemon
    /** Runs a command to its end; `--config` is added if the command takes it and the arguments do not have it. */
    alibi(...args: readonly string[]): Promise<Ended>
    /** Asks the daemon's own server. */
    get(path: string): Promise<{ status: number; body: string }>
    /** All that the daemon keeps: every table of its incidents, as `alibi incidents --json` shows them. */
    incidents(): Promise<readonly Record<string, unknown>[]>
  }>

/** Where a daemon runs, and how long at most. */
type Place = Readonly<{ config: string; directory: string; lifetimeMs?: number }>

export type Daemon = Readonly<{
  pid: number
  lines: readonly Line[]
  /** Everything that was printed, as it came. */
  printed(): string
  /** The first line that fits, of those that are there or still come. */
  line(what: string, fits: (line: Line) => boolean): Promise<Line>
  /** The n-th line that fits from now on. */
  next(what: string, fits: (line: Line) => boolean, n?: number): Promise<Line>
  ready(): Promise<Line>
  exited: Promise<Ended>
  kill(signal: NodeJS.Signals): void
}>

export const isRun =
  (outcome: 'ok' | 'failed') =>
  (line: Line): boolean =>
    line['message'] === 'run' && line['outcome'] === outcome

export const isDecision =
  (decision: string) =>
  (line: Line): boolean =>
    line['message'] === 'decision' && line['decision'] === decision

const MONITORS = `
  - name: production
    schedule: "* * * * * *"
    spread: 0s
    operations: [GetContactInformation]
    attempts: 1
    timeout: 900ms
    retryInterval: 1s
    recheckEvery: 1s`

function yaml(
  parts: Parts,
  { directory, sandbox, mailbox, port }: { directory: string; sandbox: Sandbox; mailbox: Mailbox; port: number },
): string {
  return `
monitors:${parts.monitors ?? MONITORS}
policy: ${parts.policy ?? '{ extension: 2s, joinWithin: 1s }'}
health: ${parts.health ?? `{ cacheFor: 1s, dashboard: { url: "${sandbox.url}/public/currentevents" } }`}
control: { url: "${sandbox.url}/" }
recipients: ${parts.recipients ?? '{ oncall: { to: [oncall@example.com] } }'}
mail:
  from: Alibi <alibi@example.com>
  ${parts.mail ?? `smtp: { host: 127.0.0.1, port: ${mailbox.port}, security: none }`}
storage: ${parts.storage ?? `{ path: "${join(directory, 'data/alibi.db')}" }`}
web: ${parts.web ?? `{ listen: "127.0.0.1:${port}" }`}
${parts.more ?? ''}
`
}

/** Commands that read no configuration; `undefined` is `alibi` by itself. */
const WITHOUT_CONFIG: readonly (string | undefined)[] = [undefined, 'schema', 'demo']

export async function stage(parts: Parts = {}, options: Readonly<{ mailbox?: MailboxOptions }> = {}): Promise<Stage> {
  const held = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'alibi-process-'))
  held.defer(() => rm(directory, { recursive: true, force: true }))
  const queue = new QueueStandIn({ now: Date.now })
  const aws = new HealthStandIn({ now: Date.now, bridge: (message) => void queue.send(message) })
  const organization = new OrganizationStandIn()
  const api = new ApiStandIn()
  const sandbox = await startSandbox({
    handlers: [
      (request, body, response) => aws.handle(request, body, response),
      (request, body, response) => organization.handle(request, body, response),
      (request, body, response) => queue.handle(request, body, response),
      (request, body, response) => api.handle(request, body, response),
    ],
  })
  held.defer(() => sandbox.close())
  held.defer(() => queue.close())
  const mailbox = await startMailbox(options.mailbox)
  held.defer(() => mailbox.close())
  const port = await freePort()
  const config = join(directory, 'alibi.yaml')
  const env = { ...inherited(), HOME: directory, ...sandbox.endpoints() }
  const configure = (changed: Parts) => writeFile(config, yaml(changed, { directory, sandbox, mailbox, port }))
  await configure(parts)

  const alibi = (...args: readonly string[]) => {
    const isComplete = WITHOUT_CONFIG.includes(args[0]) || args.includes('--config')
    const named = isComplete ? args : [...args, '--config', config]
    return end(spawn(process.execPath, [MAIN, ...named], { env, cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] }))
  }
  return {
    directory,
    config,
    database: join(directory, 'data/alibi.db'),
    port,
    aws,
    organization,
    queue,
    api,
    sandbox,
    mailbox,
    env,
    configure,
    alibi,
    daemon(more = {}, at: Place = { config, directory }) {
      const child = spawn(process.execPath, [MAIN, 'run', '--config', at.config], {
        env: { ...env, ...more },
        cwd: at.directory,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const daemon = watch(child, at.lifetimeMs)
      held.defer(async () => {
        daemon.kill('SIGKILL')
        await daemon.exited
      })
      return daemon
    },
    async get(path) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(DEADLINE_MS) })
      return { status: response.status, body: await response.text() }
    },
    async incidents() {
      const { code, out, err } = await alibi('incidents', '--json')
      if (code !== 0) throw new Error(`alibi incidents ended with ${code}: ${err}`)
      return JSON.parse(out) as Record<string, unknown>[]
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** No variable of whoever runs the tests reaches the daemon but these. */
function inherited(): Record<string, string> {
  const { PATH = '', TZ } = process.env
  return { PATH, ...(TZ === undefined ? {} : { TZ }) }
}

/** Waits for a process to end, and kills it at the deadline. */
export async function end(child: ChildProcess, deadlineMs = DEADLINE_MS): Promise<Ended> {
  const began = performance.now()
  const text = { out: '', err: '' }
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text.out += chunk
  })
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text.err += chunk
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs)
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timer)
  return { code, signal, ...text, ms: performance.now() - began }
}

/** Daemons that a test left behind because it ran out of time: they end with the tests. */
const running = new Set<ChildProcess>()
function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}
process.once('exit', killAll)
// The workers of vitest do not come to that; and `npm run kills` runs without vitest.
if (process.env['VITEST'] !== undefined) (await import('vitest')).afterAll(killAll)

function watch(child: ChildProcess, lifetimeMs = LIFETIME_MS): Daemon {
  running.add(child)
  child.once('exit', () => running.delete(child))
  const lines: Line[] = []
  let printed = ''
  const waiting = new Set<(line: Line) => void>()
  const took = (text: string) => {
    printed += `${text}\n`
    const line = parsed(text)
    if (line === null) return
    lines.push(line)
    if (lines.length > MAX_LINES) lines.shift()
    for (const tell of [...waiting]) tell(line)
  }
  for (const stream of [child.stdout, child.stderr]) if (stream) createInterface({ input: stream }).on('line', took)
  const exited = end(child, lifetimeMs)

  const next = (what: string, fits: (line: Line) => boolean, n = 1) =>
    new Promise<Line>((found, failed) => {
      let seen = 0
      const done = () => {
        clearTimeout(timer)
        waiting.delete(tell)
      }
      const tell = (line: Line) => {
        if (!fits(line)) return
        seen += 1
        if (seen < n) return
        done()
        found(line)
      }
      const lost = (why: string) => {
        done()
        failed(new Error(`${why} while waiting for ${what}; the last lines:\n${printed.split('\n').slice(-15).join('\n')}`))
      }
      const timer = setTimeout(() => lost(`${DEADLINE_MS} ms went by`), DEADLINE_MS)
      waiting.add(tell)
      void exited.then(({ code, signal }) => lost(`the daemon ended (${code ?? signal})`))
    })
  const line = (what: string, fits: (line: Line) => boolean) => {
    const there = lines.find(fits)
    return there === undefined ? next(what, fits) : Promise.resolve(there)
  }
  return {
    pid: child.pid ?? 0,
    lines,
    printed: () => printed,
    line,
    next,
    ready: () => line('ready', ({ message }) => message === 'ready'),
    exited,
    kill: (signal) => void child.kill(signal),
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

/** Waits until `holds` says so; at the deadline it throws what `holds` last threw, or that `what` did not come. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, deadlineMs = DEADLINE_MS): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${deadlineMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
