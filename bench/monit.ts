import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, freePort } from './bench.ts'
import { cpuMs, residentMb } from './child.ts'
import { rounded } from './figure.ts'

/** Where Debian's package puts it, or wherever it was unpacked. */
const BINARY = process.env['MONIT'] ?? '/usr/bin/monit'
/** Checks of a cycle, which lasts a second at least. */
const CHECKS = 200
const START_MS = 3_000

/** What monit costs per check of an address by HTTP; nothing where it is not installed. */
export const monit: Bench = async ({ size, directory, say }) => {
  if (!existsSync(BINARY)) {
    say('monit is not installed: left out')
    return []
  }
  let requests = 0
  const server = createServer((_, response) => {
    requests += 1
    response.end('{}')
  })
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const home = join(directory, 'monit')
  await mkdir(home)
  const file = join(home, 'monitrc')
  await writeFile(file, configurationOf(home, port), { mode: 0o600 })
  const child = spawn(BINARY, ['-I', '-c', file], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  const pid = child.pid ?? 0
  try {
    await sleep(START_MS)
    if (child.exitCode !== null) throw new Error('monit did not start')
    const [before, had] = [await cpuMs(pid), requests]
    await sleep(size.idleMs)
    const spent = (await cpuMs(pid)) - before
    const made = requests - had
    if (made === 0) throw new Error('monit does not reach the server')
    const note = `monit, ${made.toLocaleString('en')} checks; it signs nothing, and reads nothing but the status`
    return [
      { name: 'monit', of: 'cpuMs', what: 'CPU per check, monit', value: rounded(spent / made, 4), unit: 'ms', note },
      { name: 'monit', of: 'rssMb', what: 'resident memory, monit', value: rounded(await residentMb(pid), 1), unit: 'MB' },
    ]
  } finally {
    child.kill()
    await exited
    server.close()
  }
}

function configurationOf(home: string, port: number): string {
  const settings = ['daemon 1', `pidfile ${home}/pid`, `idfile ${home}/id`, `statefile ${home}/state`]
  const request = `port ${port} protocol http request "/getAccountInformation" with timeout 5 seconds`
  const checks = Array.from({ length: CHECKS }, (_, i) => [
    `check host account-${i} with address 127.0.0.1`,
    `  if failed ${request} then alert`,
  ])
  return `${[...settings.map((one) => `set ${one}`), ...checks.flat()].join('\n')}\n`
}
