import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { serviceNamed } from '../src/domain/catalogue.ts'
import { readingOf } from '../src/domain/only-reads.ts'

/** Every client that is installed here, and what of it may be probed: a new version that adds an operation shows in the snapshot. */
const CLIENTS = readdirSync(new URL('../node_modules/@aws-sdk', import.meta.url))
  .filter((name) => name.startsWith('client-'))
  .map((name) => name.slice('client-'.length))

const require = createRequire(import.meta.url)

function operationsOf(client: string): readonly string[] {
  const names = Object.keys(require(`@aws-sdk/client-${client}`) as object)
  return names.flatMap((name) => (/^[A-Z]\w+Command$/.test(name) ? [name.slice(0, -'Command'.length)] : [])).toSorted()
}

test.each(CLIENTS)('@aws-sdk/client-%s: what is allowed, and why the rest is not', async (client) => {
  const service = serviceNamed(client)
  if (service === null) throw new Error(`no service has the client ${client}`)
  const judged = operationsOf(client).map((operation) => ({ operation, read: readingOf(service, operation) }))
  expect(judged.length).toBeGreaterThan(5)
  const lines = judged.map(({ operation, read }) => `${operation}: ${read.ok ? read.action : `refused: ${reasonOf(read.why)}`}`)
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`golden/operations/${client}.txt`)
})

function reasonOf(why: string): string {
  return why.replace('Alibi does not call it: ', '').replace(/: Alibi only calls.*/, '')
}
