import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Exit } from '../src/cli/exit.ts'
import { runSimulate } from '../src/cli/simulate.ts'

const directory = mkdtempSync(join(tmpdir(), 'alibi-simulate-'))
afterAll(() => rmSync(directory, { recursive: true }))

const STORY = `title: It fails
start: 2026-03-02T12:00:00Z
length: 1h
events:
  - { at: 10m, account: InternalServerException }
  - { at: 30m, account: ok }
expect:
  - { mails: 2 }
`

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

async function simulate(files: readonly string[], options: Parameters<typeof runSimulate>[1] = {}) {
  const said: string[] = []
  const io = {
    out: (text: string) => void said.push(text),
    err: (text: string) => void said.push(text),
    env: {},
    isTty: false,
    columns: null,
  }
  try {
    return { code: await runSimulate(files, options, io), said: said.join('\n') }
  } catch (error) {
    if (!(error instanceof Exit)) throw error
    return { code: error.code, said: error.message }
  }
}

test('0 when all came true, 1 with the difference when not, and a line about all of several', async () => {
  const good = file('good.yaml', STORY)
  const bad = file('bad.yaml', STORY.replace('mails: 2', 'mails: 1'))
  const [one, other, both] = [await simulate([good]), await simulate([bad]), await simulate([good, bad])]
  expect([one.code, other.code, both.code]).toEqual([0, 1, 1])
  expect(one.said).toContain('✓ passed, 2 mails')
  expect(other.said).toContain('    expected  1 mail in all\n    found     2 mails: failing at +00:10:')
  expect(both.said).toContain(`2 scenarios: 1 passed, 1 failed: ${bad}`)
  expect(
    Math.max(
      ...both.said
        .split('\n')
        .filter((line) => !line.includes(directory))
        .map((line) => line.length),
    ),
  ).toBeLessThanOrEqual(80)
})

test('78 for a file that is missing or at fault, with its place; 64 for none', async () => {
  const faulty = file('faulty.yaml', STORY.replace('account: ok', 'acount: ok'))
  const { code, said } = await simulate([faulty, join(directory, 'missing.yaml')])
  expect(code).toBe(78)
  expect(said).toContain(`${faulty}:6:16  events[1].acount: unknown key; did you mean \`account\`?`)
  expect(said).toContain('missing.yaml:1:1  the scenario does not exist')
  expect((await simulate([])).code).toBe(64)
})

test('--json is one object for one file, a list for several', async () => {
  const good = file('good.yaml', STORY)
  const one = JSON.parse((await simulate([good], { json: true })).said)
  expect(one).toMatchObject({ title: 'It fails', passed: true, failures: [] })
  expect(Object.keys(one.mails[0]).sort()).toEqual(['after', 'at', 'kind', 'messageId', 'subject', 'to'])
  expect(one.mails.map(({ kind, to }: { kind: string; to: string[] }) => [kind, to])).toEqual([
    ['failing', ['oncall@example.com']],
    ['recovered', ['oncall@example.com']],
  ])
  expect(one.timeline.some(({ kind }: { kind: string }) => kind === 'decision')).toBe(true)
  expect(JSON.parse((await simulate([good, good], { json: true })).said)).toHaveLength(2)
})

test('--mails writes each email as it would have been sent, and its text', async () => {
  const mails = join(directory, 'mails')
  await simulate([file('good.yaml', STORY)], { mails })
  const left = readdirSync(mails).sort()
  expect(left.map((name) => name.replace(/^.*\./, ''))).toEqual(['eml', 'txt', 'eml', 'txt'])
  expect(readFileSync(join(mails, left[0]!), 'utf8')).toMatch(/X-Alibi-Kind: failing/i)
  expect(readFileSync(join(mails, left[1]!), 'utf8')).toContain('FAILING since 12:10 UTC')
})

test('emails that cannot be written are 69, in one sentence', async () => {
  const mails = file('no-directory', '')
  for (const place of [mails, join(mails, 'within')]) {
    const { code, said } = await simulate([file('good.yaml', STORY)], { mails: place })
    expect(code).toBe(69)
    expect(said).toContain(`cannot write to ${place}: `)
  }
})

test('--config plays it against the monitors, the policy and the recipients of the user', async () => {
  const own = file(
    'alibi.yaml',
    'monitors: [{ name: mine, spread: 0s, operations: [ListRegions] }]\npolicy: { wait: 5m }\nrecipients: { me: { to: [me@example.net] } }\nmail: { from: alibi@example.net }\n',
  )
  const { said } = await simulate([file('good.yaml', STORY)], { json: true, config: own })
  const { mails } = JSON.parse(said)
  expect(mails.map(({ to }: { to: string[] }) => to)).toEqual([['me@example.net'], ['me@example.net']])
  expect(mails[0].subject).toContain('mine')
  expect(mails[0].at > '2026-03-02T12:15').toBe(true)
  expect((await simulate([file('good.yaml', STORY)], { config: join(directory, 'none.yaml') })).code).toBe(78)
})
