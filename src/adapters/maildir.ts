import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOfThrown } from '../domain/thrown.ts'
import { type Fate, type Mail, MailError, type Mailer } from '../ports/mailer.ts'
import { compile, type Message } from './mime.ts'
import { draftName, writeWhole } from './whole-file.ts'

export type FileMailerOptions = Readonly<{
  /** Made when it is missing, readable by its owner only. */
  directory: string
  from: string
}>

const MAX_NAME = 80

/**
 * Writes each email as an `.eml` file, the very message that SMTP would send. An email that is written again takes the place
 * of its earlier self; a file is whole or not there.
 */
export function fileMailer({ directory, from }: FileMailerOptions): Mailer {
  return {
    async send(mail: Mail, signal: AbortSignal): Promise<readonly Fate[]> {
      if (signal.aborted) throw new MailError('given up before it was written', { permanent: false, uncertain: false })
      const message = await compiled(mail, from)
      const path = join(directory, fileName(mail))
      await writing(directory, () => writeWhole(path, message.source))
      return mail.envelope.map((address) => ({ address, accepted: true, reply: `written to ${path}` }))
    },

    async verify(): Promise<string> {
      const probe = draftName(join(directory, '.writable'))
      await writing(directory, async () => {
        await writeWhole(probe, 'Alibi may write here.\n')
        await rm(probe)
      })
      return `${directory} can be written`
    },

    async close(): Promise<void> {},
  }
}

/** `20260304T120433Z-a3f9c0de51b27764.1.9d2f-example.com-1f0c93aa.eml`: in the order of time, one a Message-ID. */
export function fileName({ date, messageId }: Pick<Mail, 'date' | 'messageId'>): string {
  const time = new Date(date).toISOString().slice(0, 19).replace(/[-:]/g, '')
  const safe = messageId
    .replace(/[^a-zA-Z0-9.]+/g, '-')
    .replace(/^[-.]+|(?<![-.])[-.]+$/g, '')
    .slice(0, MAX_NAME)
  // Two ids may look alike when they are made safe.
  const hash = createHash('sha256').update(messageId).digest('hex').slice(0, 8)
  return `${time}Z-${safe}-${hash}.eml`
}

async function compiled(mail: Mail, from: string): Promise<Message> {
  try {
    return await compile(mail, from)
  } catch (error) {
    throw new MailError(`the message cannot be made: ${messageOfThrown(error)}`, {
      permanent: true,
      uncertain: false,
      cause: error,
    })
  }
}

/** A full disk or a missing right is put right some day: transient. The rename is the last thing done, so never uncertain. */
async function writing(directory: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    throw new MailError(`writing to ${directory}: ${messageOfThrown(error)}`, {
      permanent: false,
      uncertain: false,
      cause: error,
    })
  }
}
