import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Fate, type Mail, MailError, type Mailer } from '../ports/mailer.ts'
import { ALREADY, openSentRecord, recordedMailer, sentRecordPath } from './sent-record.ts'

const NEVER = new AbortController().signal
const [A, B] = ['oncall@example.com', 'deputy@example.com']

let place = ''
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'alibi-sent-'))
})
afterEach(() => rmSync(place, { recursive: true, force: true }))
const path = () => join(place, 'alibi.sent')

function mail(kind: string, seq: number, over: Partial<Mail> = {}): Mail {
  return {
    ...{
      messageId: `<a3f9c0de51b27764.${seq}.0e42a030@example.com>`,
      to: [A],
      envelope: [A],
      subject: 's',
      text: 't',
      html: null,
    },
    ...{ inReplyTo: null, date: 0, headers: { 'X-Alibi-Kind': kind, 'X-Alibi-Incident': 'a3f9c0de51b27764' } },
    ...over,
  }
}

/** Takes everything, but for the addresses that it does not. */
function server(refuses: readonly string[] = []) {
  const taken: [string, string, string][] = []
  const mailer: Mailer = {
    async send({ messageId, headers, envelope }): Promise<readonly Fate[]> {
      if (envelope.every((one) => refuses.includes(one))) throw new MailError('later', { permanent: false, uncertain: false })
      return envelope.map((address): Fate => {
        if (refuses.includes(address))
          return { address, accepted: false, error: new MailError('later', { permanent: false, uncertain: false }) }
        taken.push([headers['X-Alibi-Kind'] ?? '', messageId, address])
        return { address, accepted: true, reply: '250 ok' }
      })
    },
    verify: async () => 'fine',
    close: async () => {},
  }
  return { mailer, taken }
}

/** A daemon's mailer: what was delivered before is read from the file. */
async function begun(mailer: Mailer, faults: string[] = []): Promise<Mailer> {
  return recordedMailer(mailer, await openSentRecord(path(), (why) => void faults.push(why)))
}

test('it stands beside the database, under a name that a restore does not put away', () =>
  expect(sentRecordPath('/srv/data/alibi.db')).toBe('/srv/data/alibi.sent'))

describe('after a restore from a backup', () => {
  test('the email that was delivered last about an incident is not sent again', async () => {
    const { mailer, taken } = server()
    await (await begun(mailer)).send(mail('escalated', 2), NEVER)
    const fates = await (await begun(mailer)).send(mail('escalated', 2, { text: 'for 1h' }), NEVER)
    expect(fates).toEqual([{ address: A, accepted: true, reply: ALREADY }])
    expect(taken).toHaveLength(1)
  })

  test('what has been overtaken since is sent: it is news again', async () => {
    const { mailer, taken } = server()
    const before = await begun(mailer)
    for (const one of [mail('failing', 3), mail('recovered', 4)]) await before.send(one, NEVER)
    await (await begun(mailer)).send(mail('failing', 3), NEVER)
    expect(taken.map(([kind]) => kind)).toEqual(['failing', 'recovered', 'failing'])
  })

  test('no email is sent under the Message-ID of another one, however often it is tried', async () => {
    const { mailer, taken } = server()
    await (await begun(mailer)).send(mail('reminder', 2), NEVER)
    const after = await begun(mailer)
    await after.send(mail('recovered', 2), NEVER)
    await after.send(mail('recovered', 2), NEVER)
    expect(taken.map(([kind, id]) => [kind, id])).toEqual([
      ['reminder', '<a3f9c0de51b27764.2.0e42a030@example.com>'],
      ['recovered', '<a3f9c0de51b27764.2.0e42a030.recovered@example.com>'],
    ])
  })

  test('an address that does not have it yet gets it', async () => {
    const both = { to: [A, B], envelope: [A, B] }
    const first = server([B])
    await (await begun(first.mailer)).send(mail('failing', 1, both), NEVER)
    const second = server()
    const fates = await (await begun(second.mailer)).send(mail('failing', 1, both), NEVER)
    expect(fates.map(({ address, accepted }) => [address, accepted])).toEqual([
      [A, true],
      [B, true],
    ])
    expect(second.taken.map(([, , address]) => address)).toEqual([B])
  })

  test('a failure of the rest is no failure of who has it', async () => {
    const both = { to: [A, B], envelope: [A, B] }
    await (await begun(server([B]).mailer)).send(mail('failing', 1, both), NEVER)
    const fates = await (await begun(server([A, B]).mailer)).send(mail('failing', 1, both), NEVER)
    expect(fates.map(({ accepted }) => accepted)).toEqual([true, false])
    await expect((await begun(server([A]).mailer)).send(mail('wider', 2), NEVER)).rejects.toThrow('later')
  })
})

test('what was not accepted, and what belongs to no incident, is sent as often as it is owed', async () => {
  const { mailer, taken } = server()
  await expect((await begun(server([A]).mailer)).send(mail('failing', 1), NEVER)).rejects.toThrow('later')
  const digest = mail('digest', 1, { headers: { 'X-Alibi-Kind': 'digest' } })
  for (const one of [mail('failing', 1), digest, digest]) await (await begun(mailer)).send(one, NEVER)
  expect(taken.map(([kind]) => kind)).toEqual(['failing', 'digest', 'digest'])
})

test('the file holds no address, is its owner’s, and stays small', async () => {
  const { mailer } = server()
  const { send } = await begun(mailer)
  await send(mail('failing', 1), NEVER)
  expect(readFileSync(path(), 'utf8')).not.toContain('@example.com>\n')
  expect(readFileSync(path(), 'utf8')).not.toMatch(/oncall/)
  expect(statSync(path()).mode & 0o777).toBe(0o600)
  const line = readFileSync(path(), 'utf8')
  writeFileSync(path(), line.repeat(10_000), { mode: 0o600 })
  await (await begun(mailer)).send(mail('wider', 2), NEVER)
  expect(readFileSync(path(), 'utf8').split('\n').length).toBeLessThanOrEqual(5_001)
})

test.for<[string, () => void]>([
  ['a link', () => symlinkSync('/dev/null', path())],
  ['a directory in its way', () => rmSync(place, { recursive: true })],
  ['far too large', () => writeFileSync(path(), 'x'.repeat(5_000_000))],
])('a file that cannot be used (%s) is said once, and everything is sent', async ([, breaks]) => {
  breaks()
  const faults: string[] = []
  const { mailer, taken } = server()
  const { send } = await begun(mailer, faults)
  for (const seq of [1, 2, 3]) await send(mail('reminder', seq), NEVER)
  expect(faults).toHaveLength(1)
  expect(taken).toHaveLength(3)
})

test('what is not of ours in the file is passed over', async () => {
  const { mailer, taken } = server()
  await (await begun(mailer)).send(mail('failing', 1), NEVER)
  writeFileSync(path(), `torn li\n${readFileSync(path(), 'utf8')}<script>\n\0\n`)
  await (await begun(mailer)).send(mail('failing', 1), NEVER)
  expect(taken).toHaveLength(1)
})
