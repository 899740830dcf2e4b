// `npm run bench:verdicts`: see VERDICTS.md beside this file.
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { serviceParts } from './verdicts/any-api.ts'
import { type History, HistoryError, readHistory } from './verdicts/history.ts'
import { FULL, setsOf } from './verdicts/sets.ts'
import { table } from './verdicts/table.ts'
import { measure } from './verdicts/tally.ts'

const SEED = 0x5eed
/** Of each event of a service. */
const FAILURES_EACH = 5
const EVENTS = '../shared/data/public-events-2012-2022.jsonl.gz'

const { values } = parseArgs({ options: { json: { type: 'boolean' }, events: { type: 'string' } } })
const file = values.events ?? EVENTS
const say = (text: string) => void process.stderr.write(`${text}\n`)
if (!existsSync(file) && values.events !== undefined) {
  refuse(`${file} is not there`)
} else if (!existsSync(file)) {
  say(`skipped: ${file} is not there (the recorded history of AWS's events; another one: --events FILE)`)
  if (values.json === true) console.log('{}')
} else {
  try {
    replayAll(readHistory(file))
  } catch (cause) {
    if (!(cause instanceof HistoryError)) throw cause
    refuse(cause.message)
  }
}

function refuse(why: string): void {
  say(why)
  process.exitCode = 64
}

function replayAll(history: History): void {
  const began = performance.now()
  const { singles, wholes } = history
  const inWholes = wholes.reduce((sum, whole) => sum + whole.entries.length, 0)
  say(`${singles.length + inWholes} entries, ${inWholes} of them parts of ${wholes.length} whole outages; seed ${SEED}`)
  const parts = [...setsOf(history, FULL, SEED), ...serviceParts(history, FAILURES_EACH, SEED)]
  const empty = parts.filter(({ cases }) => cases.length === 0).map(({ set, part }) => `${set}-${part}`)
  if (empty.length > 0) say(`left out, since ${file} holds no event to draw them from: ${empty.join(', ')}`)
  const result = measure(parts, say)
  if (values.json === true) console.log(JSON.stringify(result.sets, null, 2))
  else console.log(table(parts, result, (performance.now() - began) / 1_000))
  for (const { part, promise, onset } of result.broken.slice(0, 20))
    say(`BROKEN in ${part}, failing since ${new Date(onset).toISOString()}: ${promise}`)
  if (result.broken.length > 0) {
    say(`${result.broken.length} failures break what is promised of them`)
    process.exitCode = 1
  }
}
