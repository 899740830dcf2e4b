import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, freePort } from './bench.ts'
import { cpuMs, residentMb } from './child.ts'
import { rounded } from './figure.ts'

/** Where Debian's package puts it, or wherever it was unpacked. */
const BINARY = process.env['BLACKBOX_EXPORTER'] ?? '/usr/bin/prometheus-blackbox-exporter'
const AT_ONCE = 64
const READY_TRIES = 50

/** What Prometheus' own prober costs for the same number of requests to the same stand-in; nothing where it is not installed. */
export const blackbox: Bench = async ({ size, directory, doors, say }) => {
  if (!existsSync(BINARY)) {
    say('prometheus-blackbox-exporter is not installed: left out')
    return []
  }
  const file = join(directory, 'blackbox.yml')
  // Unsigned, and whatever comes back counts as well: it looks at the answer only for its status.
  await writeFile(
    file,
    'modules: { aws: { prober: http, timeout: 5s, http: { method: POST, body: "{}", valid_status_codes: [200, 400, 403, 404, 500] } } }\n',
  )
  const address = `127.0.0.1:${await freePort()}`
  const child = spawn(BINARY, [`--config.file=${file}`, `--web.listen-address=${address}`], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  try {
    for (let i = 0; !(await answers(`http://${address}/-/healthy`)); i++) {
      if (i >= READY_TRIES || child.exitCode !== null) throw new Error('the blackbox exporter did not start')
      await sleep(100)
    }
    const target = encodeURIComponent(`${doors.endpoints['AWS_ENDPOINT_URL_ACCOUNT'] ?? doors.url}/getAccountInformation`)
    const url = `http://${address}/probe?module=aws&target=${target}`
    const probes = size.accounts * 2
    const before = await cpuMs(child.pid ?? 0)
    let left = probes
    const worker = async () => {
      while (left > 0) {
        left -= 1
        const text = await (await fetch(url)).text()
        if (!text.includes('probe_success 1')) throw new Error(`the blackbox exporter does not reach the stand-in:\n${text}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    const spent = (await cpuMs(child.pid ?? 0)) - before
    const rssMb = await residentMb(child.pid ?? 0)
    const note = `prometheus-blackbox-exporter, ${probes.toLocaleString('en')} probes; it signs nothing, keeps nothing and decides nothing`
    return [
      {
        name: 'blackbox',
        of: 'cpuMs',
        what: 'CPU per probe, blackbox exporter',
        value: rounded(spent / probes, 4),
        unit: 'ms',
        note,
      },
      { name: 'blackbox', of: 'rssMb', what: 'resident memory, blackbox exporter', value: rounded(rssMb, 1), unit: 'MB' },
    ]
  } finally {
    child.kill()
    await exited
  }
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    (response) => response.ok,
    () => false,
  )
}
