import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { NODE_ARGS, surroundings } from './child.ts'

/** The checkout that this bench belongs to. */
export const THIS_CHECKOUT: string = fileURLToPath(new URL('../../../', import.meta.url))
const READY_MS = 30_000
const STOP_MS = 20_000
const LINES_KEPT = 20

export type Daemon = AsyncDisposable &
  Readonly<{
    pid: number
    /** From the start of the process until it told that it is ready. */
    readyMs: number
    /** Resolves with the n-th run that is logged from now on. */
    runs: (n: number) => Promise<void>
    /** @throws {Error} if it did not end well */
    stop: () => Promise<void>
  }>

/**
 * `alibi run`, in a process of its own, its stdout read as pm2 would: by a pipe. Resolves when it is ready. What runs is the product
 * as it is built and shipped, of this checkout or another, and not the bench's copy.
 */
export async function startDaemonProcess(
  file: string,
  env: Readonly<Record<string, string>>,
  checkout = THIS_CHECKOUT,
): Promise<Daemon> {
  const began = performance.now()
  const child = spawn(process.execPath, [...NODE_ARGS, join(checkout, 'dist/main.js'), 'run', '--config', file], {
    env: { ...surroundings(), ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>
  const tail: string[] = []
  const hearing = new Set<(line: string) => void>()
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      tail.push(line)
      if (tail.length > LINES_KEPT) tail.shift()
      for (const hear of [...hearing]) hear(line)
    })
  }
  const gone = () => child.exitCode !== null || child.signalCode !== null
  const daemon: Omit<Daemon, 'readyMs'> = {
    pid: child.pid ?? 0,
    runs: (n) =>
      new Promise((resolve) => {
        let left = n
        const hear = (line: string) => {
          if (!line.includes('"message":"run"')) return
          left -= 1
          if (left > 0) return
          hearing.delete(hear)
          resolve()
        }
        hearing.add(hear)
      }),
    async stop() {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      if (!gone()) child.kill('SIGTERM')
      const [code, signal] = await exited
      clearTimeout(timer)
      if (code !== 0) throw new Error(`the daemon ended with ${code ?? signal}:\n${tail.join('\n')}`)
    },
    async [Symbol.asyncDispose]() {
      if (gone()) return
      child.kill('SIGKILL')
      await exited
    },
  }
  try {
    await ready(child, exited)
  } catch (cause) {
    await daemon[Symbol.asyncDispose]()
    throw new Error(`the daemon did not start:\n${tail.join('\n')}`, { cause })
  }
  return { ...daemon, readyMs: performance.now() - began }
}

function ready(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready within ${READY_MS / 1000} s`)), READY_MS)
    child.once('message', () => {
      clearTimeout(timer)
      resolve()
    })
    void exited.then(() => {
      clearTimeout(timer)
      reject(new Error('it ended'))
    })
  })
}
