// `npm run bench`: see README.md beside this file.
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Bench, FULL, type Ground, QUICK } from './bench.ts'
import { blackbox } from './blackbox.ts'
import { startChild } from './child.ts'
import { closed } from './closed.ts'
import { decisions } from './decisions.ts'
import { type Figure, toJson, toTable } from './figure.ts'
import { fleet } from './fleet.ts'
import { growth } from './growth.ts'
import { health } from './health.ts'
import { judge } from './judge.ts'
import { mail } from './mail.ts'
import { monit } from './monit.ts'
import { paced } from './paced.ts'
import { probes } from './probes.ts'
import { rest } from './rest.ts'
import { scale } from './scale.ts'
import { services } from './services.ts'
import { simulate } from './simulate.ts'
import type { Doors } from './stand-in.ts'
import { start } from './start.ts'
import { store } from './store.ts'
import { tls } from './tls.ts'
import { wide } from './wide.ts'

/** In this order: `start` uses what `probes` leaves behind. */
const BENCHES: Readonly<Record<string, Bench>> = {
  paced,
  probes,
  tls,
  start,
  rest,
  store,
  closed,
  fleet,
  scale,
  services,
  mail,
  wide,
  decisions,
  judge,
  growth,
  health,
  simulate,
  blackbox,
  monit,
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, accounts: { type: 'string' }, beside: { type: 'string' } },
  allowPositionals: true,
})
const unknown = positionals.filter((name) => !(name in BENCHES))
if (unknown.length > 0) throw new RangeError(`no bench ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`)
const all = values.quick === true ? QUICK : FULL
const size = values.accounts === undefined ? all : { ...all, wide: values.accounts.split(',').map(Number) }
const say = (text: string) => void process.stderr.write(`${text}\n`)
const began = performance.now()
const directory = await mkdtemp(join(tmpdir(), 'alibi-bench-'))
const figures: Figure[] = []
try {
  await using standIn = startChild('stand-in')
  const doors = await standIn.ask<Doors>('doors')
  const ground: Ground = {
    size,
    directory,
    standIn,
    doors,
    say,
    ...(values.beside !== undefined && { beside: resolve(values.beside) }),
  }
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    say(`${name} …`)
    figures.push(...(await bench(ground)))
  }
  await standIn.stop()
} finally {
  await rm(directory, { recursive: true, force: true })
}

const about = {
  quick: values.quick === true,
  seconds: Math.round((performance.now() - began) / 1_000),
  node: process.version,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
}
const missed = figures
  .filter(({ value, atMost }) => atMost !== undefined && value > atMost)
  .map(({ name, of }) => (of === undefined ? name : `${name}.${of}`))
if (values.json === true) console.log(JSON.stringify({ about, ...toJson(figures), missed }, null, 2))
else {
  console.log(`\n${toTable(figures)}\n`)
  console.log(
    `Node ${about.node}, ${about.cores} × ${about.cpu}, ${about.seconds} s${about.quick ? '; quick: the figures say nothing' : ''}`,
  )
}
