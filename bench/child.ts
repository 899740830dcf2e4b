import { fork, type Serializable } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const root = new URL('../../../', import.meta.url)
const { apps } = createRequire(import.meta.url)(fileURLToPath(new URL('ecosystem.config.js', root))) as {
  apps: readonly { node_args?: readonly string[]; env?: Readonly<Record<string, string>> }[]
}

/** No answer of a child takes longer; one that does ends the bench. */
const ANSWER_MS = 600_000
const STOP_MS = 20_000
/** What pm2 starts Node with. What is compared with Alibi is started so as well, unless it says otherwise. */
export const NODE_ARGS: readonly string[] = apps[0]?.node_args ?? []

type Question = Readonly<{ id: number; ask: string; argument: unknown }>
type Reply = Readonly<{ id: number; value?: unknown; error?: string }>

export type Child = AsyncDisposable &
  Readonly<{
    pid: number
    /** Lines that it wrote to stdout so far. */
    lines: () => number
    /** @throws {Error} what the child threw, that it ended, or that no answer came in time */
    ask: <T>(what: string, argument?: Serializable) => Promise<T>
    /** Asks it to end and waits until it did. @throws {Error} if it did not end well */
    stop: () => Promise<void>
  }>

/** Starts a file of this directory in a process of its own, its stdout read as pm2 would: by a pipe. */
export function startChild(
  name: string,
  options: Readonly<{ args?: readonly string[]; env?: Readonly<Record<string, string>>; nodeArgs?: readonly string[] }> = {},
): Child {
  const child = fork(fileURLToPath(new URL(`./${name}.js`, import.meta.url)), [...(options.args ?? [])], {
    env: { ...surroundings(), ...options.env },
    execArgv: [...NODE_ARGS, ...(options.nodeArgs ?? [])],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  let lines = 0
  child.stdout?.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 0x0a) lines += 1
  })
  const waiting = new Map<number, (reply: Reply) => void>()
  let asked = 0
  child.on('message', (reply: Reply) => waiting.get(reply.id)?.(reply))
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>
  void exited.then(([code, signal]) => {
    for (const [id, tell] of waiting) tell({ id, error: `it ended with ${code ?? signal}` })
  })
  const gone = () => child.exitCode !== null || child.signalCode !== null

  function ask<T>(what: string, argument: Serializable = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const id = asked++
      const done = ({ value, error }: Reply) => {
        clearTimeout(timer)
        waiting.delete(id)
        if (error === undefined) resolve(value as T)
        else reject(new Error(`${name}, ${what}: ${error}`))
      }
      const timer = setTimeout(() => done({ id, error: `no answer within ${ANSWER_MS / 1000} s` }), ANSWER_MS)
      if (gone()) return done({ id, error: 'it has ended' })
      waiting.set(id, done)
      child.send({ id, ask: what, argument } satisfies Question)
    })
  }

  return {
    pid: child.pid ?? 0,
    lines: () => lines,
    ask,
    async stop() {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      if (!gone()) child.disconnect()
      const [code, signal] = await exited
      clearTimeout(timer)
      if (code !== 0) throw new Error(`${name} ended with ${code ?? signal}`)
    },
    async [Symbol.asyncDispose]() {
      if (gone()) return
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** The child's side: answers what the parent asks by name, and ends when the parent goes or disconnects. */
export function answering(answers: Readonly<Record<string, (argument: never) => unknown>>, end: () => Promise<void>): void {
  process.on('message', async ({ id, ask, argument }: Question) => {
    const reply: Reply = await Promise.resolve()
      .then(() => answers[ask]?.(argument as never))
      .then(
        (value) => ({ id, value }),
        (error: unknown) => ({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      )
    if (process.connected) process.send?.(reply)
  })
  process.once('disconnect', () => {
    end().catch((error: unknown) => {
      console.error(error)
      process.exitCode = 1
    })
  })
}

/** What a process gets of ours and of pm2: nothing that could reach a real AWS account. */
export function surroundings(): Record<string, string> {
  const { PATH, HOME, TZ, NODE_COMPILE_CACHE } = process.env
  return Object.fromEntries(
    Object.entries({ PATH, HOME, TZ, NODE_COMPILE_CACHE, ...apps[0]?.env }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    ),
  )
}

/** Resident memory of a process in MB (10⁶ bytes). Linux. */
export async function residentMb(pid: number): Promise<number> {
  return statusMb(pid, 'VmRSS')
}

/** The part of it that no file is behind: heaps and stacks, but no code. In MB (10⁶ bytes). Linux. */
export async function anonymousMb(pid: number): Promise<number> {
  return statusMb(pid, 'RssAnon')
}

async function statusMb(pid: number, field: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return (Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024) / 1e6
}

/** `sysconf(_SC_CLK_TCK)` on every Linux that Node runs on. */
const TICK_MS = 10

/** User and system time of a process so far. Linux. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}
