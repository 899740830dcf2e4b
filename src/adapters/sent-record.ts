import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { messageOfThrown } from '../domain/thrown.ts'
import { type Fate, type Mail, MailError, type Mailer } from '../ports/mailer.ts'
import { writeWhole } from './whole-file.ts'

/*
 * A database that was restored from a backup does not know what was delivered since, and would have it sent again: an
 * escalation as another email of the same Message-ID, or a recovery under that of a reminder, which mail programs then hide.
 * So what was delivered stands in a file beside the database as well, which a backup does not bring back.
 */

/** Deliveries that are remembered: the newest. The file may grow to twice as many lines. */
const MAX_ENTRIES = 5_000
const MAX_BYTES = 4 * 1024 * 1024
const LINE = /^([0-9a-f]{16}) ([0-9a-z-]{1,64}) (<[!-~]{1,300}>) ([a-z-]{1,32})$/
export const ALREADY = 'delivered already, says the record beside the database'

type Entry = Readonly<{ address: string; incident: string; messageId: string; kind: string }>

/** `data/alibi.sent` for `data/alibi.db`: not a name that begins with that of the database, whose files a restore puts away. */
export function sentRecordPath(database: string): string {
  return join(dirname(database), `${basename(database, extname(database))}.sent`)
}

export type SentRecord = Readonly<{
  /** Whether this email is the last one that this address got about its incident. */
  isLast(mail: Mail, address: string): boolean
  /** Whether another kind of email was delivered under its Message-ID. */
  isTaken(mail: Mail): boolean
  /** Never rejects. */
  add(mail: Mail, addresses: readonly string[]): Promise<void>
}>

/**
 * Reads the record, or begins one.
 * @param failed is called once if it cannot be read or written: then nothing is remembered, and everything is sent as usual
 */
export async function openSentRecord(path: string, failed: (why: string) => void): Promise<SentRecord> {
  let entries: Entry[] = []
  let lines = 0
  let isBroken = false
  const last = new Map<string, string>()
  const kinds = new Map<string, Set<string>>()
  const keep = (entry: Entry) => {
    entries.push(entry)
    last.set(`${entry.incident} ${entry.address}`, `${entry.messageId} ${entry.kind}`)
    const known = kinds.get(entry.messageId)
    if (known === undefined) kinds.set(entry.messageId, new Set([entry.kind]))
    else known.add(entry.kind)
  }
  const reindex = () => {
    const kept = entries.slice(-MAX_ENTRIES)
    entries = []
    last.clear()
    kinds.clear()
    for (const entry of kept) keep(entry)
  }
  const guard = async (work: () => Promise<void>) => {
    try {
      await work()
    } catch (cause) {
      if (!isBroken) failed(messageOfThrown(cause))
      isBroken = true
    }
  }
  await guard(async () => {
    const text = await textOf(path)
    for (const line of text.split('\n')) {
      lines += line === '' ? 0 : 1
      const [, address, incident, messageId, kind] = LINE.exec(line) ?? []
      if (address && incident && messageId && kind) keep({ address, incident, messageId, kind })
    }
    reindex()
  })
  return {
    isLast: (mail, address) => last.get(`${incidentOf(mail)} ${hashOf(address)}`) === `${mail.messageId} ${kindOf(mail)}`,
    isTaken: (mail) => [...(kinds.get(mail.messageId) ?? [])].some((kind) => kind !== kindOf(mail)),
    async add(mail, addresses) {
      const incident = incidentOf(mail)
      if (incident === null || isBroken || addresses.length === 0) return
      const fresh = addresses.map(
        (address): Entry => ({
          ...{ address: hashOf(address), incident, messageId: mail.messageId, kind: kindOf(mail) },
        }),
      )
      for (const entry of fresh) keep(entry)
      lines += fresh.length
      await guard(async () => {
        if (lines <= 2 * MAX_ENTRIES) return append(path, fresh)
        reindex()
        lines = entries.length
        await writeWhole(path, textFor(entries), false)
      })
    },
  }
}

/** Sends nothing again that was delivered already, and nothing under the Message-ID of another email. */
export function recordedMailer(mailer: Mailer, record: SentRecord): Mailer {
  return {
    verify: (signal) => mailer.verify(signal),
    close: () => mailer.close(),
    async send(given, signal): Promise<readonly Fate[]> {
      if (incidentOf(given) === null) return mailer.send(given, signal)
      const mail = record.isTaken(given) ? { ...given, messageId: asItsOwn(given) } : given
      const known = mail.envelope.filter((address) => record.isLast(mail, address))
      const envelope = mail.envelope.filter((address) => !known.includes(address))
      const fates = new Map(known.map((address): [string, Fate] => [address, { address, accepted: true, reply: ALREADY }]))
      if (envelope.length > 0) {
        for (const fate of await fatesOf(mailer, { ...mail, envelope }, known.length > 0, signal)) fates.set(fate.address, fate)
        await record.add(
          mail,
          envelope.filter((address) => fates.get(address)?.accepted === true),
        )
      }
      return mail.envelope.flatMap((address) => fates.get(address) ?? [])
    },
  }
}

/** A failure for all addresses is passed on, but not if some have the email already. */
async function fatesOf(mailer: Mailer, mail: Mail, someHaveIt: boolean, signal: AbortSignal): Promise<readonly Fate[]> {
  try {
    return await mailer.send(mail, signal)
  } catch (error) {
    if (!someHaveIt || !(error instanceof MailError)) throw error
    return mail.envelope.map((address) => ({ address, accepted: false, error }))
  }
}

/** The same for each attempt: `<a3f9….2.0e42a030.recovered@example.com>`. */
function asItsOwn(mail: Mail): string {
  return mail.messageId.replace('@', `.${kindOf(mail)}@`)
}

function incidentOf({ headers }: Mail): string | null {
  return headers['X-Alibi-Incident'] ?? null
}

function kindOf({ headers }: Mail): string {
  return headers['X-Alibi-Kind'] ?? 'mail'
}

/** Nobody's address stands in the file. */
function hashOf(address: string): string {
  return createHash('sha256').update(address.toLowerCase()).digest('hex').slice(0, 16)
}

async function textOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => null)
  if (found === null) return ''
  if (!found.isFile() || found.size > MAX_BYTES) throw new Error(`${path} is no record of what was sent`)
  return await readFile(path, 'utf8')
}

async function append(path: string, entries: readonly Entry[]): Promise<void> {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants
  const file = await open(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600)
  try {
    await file.writeFile(textFor(entries))
  } finally {
    await file.close()
  }
}

function textFor(entries: readonly Entry[]): string {
  return entries.map(({ address, incident, messageId, kind }) => `${address} ${incident} ${messageId} ${kind}\n`).join('')
}
