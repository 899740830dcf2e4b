import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { readyFor } from '../src/adapters/aws/service-client.ts'
import { serviceNamed } from '../src/domain/catalogue.ts'
import { readingOf } from '../src/domain/only-reads.ts'
import { expectedOf } from '../src/domain/service-facts.ts'

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

test.each(CLIENTS)('@aws-sdk/client-%s: what every answer is expected to have is in the client’s own schema', (client) => {
  const service = serviceNamed(client)
  for (const action of operationsOf(client)) {
    const operation = `${service?.name ?? ''}:${action}` as const
    const expected = expectedOf(operation)
    if (typeof expected === 'string') continue
    const ready = readyFor({ operation, parameter: null, input: {}, expect: expected.member })
    // Parameters that are required are missing here: the member has been looked for before them.
    expect('why' in ready ? ready.why : '').not.toContain('member')
  }
})

function reasonOf(why: string): string {
  return why.replace('Alibi does not call it: ', '').replace(/: Alibi only calls.*/, '')
}
