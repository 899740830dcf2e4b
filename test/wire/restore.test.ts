import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { DEADLINE_MS, isDecision, isRun, type Line, type Stage, stage } from './daemon-process.ts'

const RECIPIENTS = '{ oncall: { to: [oncall@example.com] }, manager: { to: [manager@example.com], after: 3s } }'
const kinds = ({ mailbox }: Stage) => mailbox.mails.map(({ headers }) => headers['x-alibi-kind'])

const isDelivered =
  (kind: string) =>
  (line: Line): boolean =>
    line['message'] === 'mail delivered' && line['kind'] === kind

/** As docs/operating.md says it. */
function backUp(on: Stage, copy: string): void {
  const database = new DatabaseSync(on.database, { readOnly: true })
  database.exec(`VACUUM INTO '${copy}'`)
  database.close()
}

function restore(on: Stage, copy: string): void {
  const directory = dirname(on.database)
  mkdirSync(join(directory, 'old'))
  for (const file of readdirSync(directory))
    if (file.startsWith(basename(on.database))) renameSync(join(directory, file), join(directory, 'old', file))
  renameSync(copy, on.database)
}

test('a database from before an escalation is restored: nobody gets it twice, and everybody is notified of the end', async () => {
  await using on = await stage({ recipients: RECIPIENTS })
  const copy = join(on.directory, 'backup.db')
  const first = on.daemon()
  await first.line('an ok run', isRun('ok'))
  on.sandbox.answer({}, 'InternalServerException')
  await first.line('the first mail on disk', isDelivered('failing'))
  backUp(on, copy)
  await on.mailbox.waitFor((mail) => mail.headers['x-alibi-kind'] === 'escalated', DEADLINE_MS)
  await first.line('the escalation on disk', isDelivered('escalated'))
  first.kill('SIGTERM')
  await first.exited
  restore(on, copy)

  const second = on.daemon()
  const again = await second.line('the escalation is owed once more', isDelivered('escalated'))
  expect(again['reply']).toContain('delivered already')
  on.sandbox.answer({}, 'ok')
  await second.line('the end', isDecision('closed'))
  for (const name of ['oncall', 'manager'])
    await on.mailbox.waitFor(
      ({ headers, envelope }) => headers['x-alibi-kind'] === 'recovered' && envelope.to.includes(`${name}@example.com`),
      DEADLINE_MS,
    )
  expect(kinds(on).toSorted()).toEqual(['escalated', 'failing', 'recovered', 'recovered'])
  second.kill('SIGTERM')
  expect((await second.exited).code).toBe(0)
  rmSync(join(dirname(on.database), 'old'), { recursive: true })
})
