import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Daemon, freePort, type Parts, type Stage, stage } from '../wire/daemon-process.ts'

/** Profiles that the machines have; each machine has keys of its own, so that the stand-in sees who calls. */
export const PROFILES = ['first', 'second'] as const

const MONITOR_OF = (profile: string) => `
  - name: ${profile}
    schedule: "* * * * * *"
    spread: 0s
    credentials: { profile: ${profile} }
    operations: [GetContactInformation]
    attempts: 1
    timeout: 900ms
    retryInterval: 1s
    recheckEvery: 1s`

/** Two callers, so that both machines call, once a second each; and an outage may follow another within seconds. */
export const TWO_CALLERS = {
  monitors: PROFILES.map(MONITOR_OF).join(''),
  policy: '{ extension: 1s, joinWithin: 30s, reopenWithin: 1s }',
}

/** The access key of a machine in a profile. */
export function keyOf(machine: string, profile: string): string {
  return `AKIA${machine}${profile}`.toUpperCase()
}

/** A machine of the fleet: the same configuration, with a name, a page and files of its own. */
type StagedMachine = Readonly<{
  name: string
  /** Starts its daemon, by way of another URL where one is given. */
  start(): Promise<Daemon>
  get(path: string, token?: string): Promise<{ status: number; body: string }>
  /** Sends a form, and returns the status of the answer. */
  post(path: string, fields: Readonly<Record<string, string>>): Promise<number>
}>

export type FleetStage = Readonly<{
  on: Stage
  /** What the machines get that are made from now on. */
  configure(parts: Parts): Promise<void>
  machine(name: string, by?: Ways): Promise<StagedMachine>
}>

/** What is a machine's own: its ways to PostgreSQL and to the stand-in for AWS, and variables of its environment. */
type Ways = Readonly<{ database?: string; aws?: string; env?: Record<string, string> }>

/** Runs with two machines take hours at most. */
const LIFETIME_MS = 24 * 3_600_000

/** AWS and a mailbox, and as many machines as are wanted on one schema of PostgreSQL. */
export async function fleetStage(url: string, schema: string): Promise<FleetStage> {
  const on = await stage({ storage: storage(url, schema) })
  return {
    on,
    configure: (parts) => on.configure({ ...parts, storage: storage(url, schema) }),
    async machine(name, { database = url, aws = on.sandbox.url, env = {} } = {}) {
      const directory = join(on.directory, name)
      await mkdir(directory)
      const port = await freePort()
      const text = (await readFile(on.config, 'utf8')).replace(`127.0.0.1:${on.port}`, `127.0.0.1:${port}`)
      const config = join(directory, 'alibi.yaml')
      await writeFile(
        config,
        `${text.replace(storage(url, schema), storage(database, schema)).replaceAll(on.sandbox.url, aws)}\nmachine: { name: ${name} }\n`,
      )
      const credentials = join(directory, 'credentials')
      const keys = (profile: string) =>
        `[${profile}]\naws_access_key_id = ${keyOf(name, profile)}\naws_secret_access_key = secret\n`
      await writeFile(credentials, PROFILES.map(keys).join('\n'))
      const endpoints = Object.fromEntries(
        Object.entries(on.sandbox.endpoints()).map(([key, value]) => [key, value.replace(on.sandbox.url, aws)]),
      )
      return {
        name,
        start: async () =>
          on.daemon(
            { AWS_SHARED_CREDENTIALS_FILE: credentials, ...endpoints, ...env },
            { config, directory, lifetimeMs: LIFETIME_MS },
          ),
        async get(path, token) {
          const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
          const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(30_000), headers })
          return { status: response.status, body: await response.text() }
        },
        async post(path, fields) {
          const body = new URLSearchParams(fields)
          const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body, redirect: 'manual' })
          return response.status
        },
      }
    },
  }
}

function storage(url: string, schema: string): string {
  return `{ postgres: { url: "${url}", schema: ${schema} } }`
}
