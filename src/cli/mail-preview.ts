import { join, resolve } from 'node:path'
import { compile } from '../adapters/mime.ts'
import { writeWhole } from '../adapters/whole-file.ts'
import type { Facts } from '../domain/notification.ts'
import type { Delivery } from '../email/delivery.ts'
import { renderEmail } from '../email/render.ts'
import { CASES, notificationOf, PUNCTUAL, SAMPLES } from '../email/samples.ts'
import { EXIT } from './exit.ts'
import { type ConfigOptions, configured, type Io, say } from './io.ts'
import { writingTo } from './output-directory.ts'

/** Writes every kind of email, and the cases that look different, with invented facts. Sends nothing. */
export async function mailPreview(options: ConfigOptions & Readonly<{ out: string }>, io: Io): Promise<number> {
  const config = await configured(options, io)
  const directory = resolve(options.out)
  const all: readonly (readonly [string, Facts, Partial<Delivery>])[] = [
    ...Object.entries(SAMPLES).map(([name, facts]) => [name, facts, {}] as const),
    ...Object.entries(CASES).map(([name, { facts, delivery }]) => [name, facts, delivery ?? {}] as const),
  ]
  const to = config.recipients[0]?.to ?? []
  await writingTo(directory, async () => {
    for (const [name, facts, delivery] of all) {
      const mail = renderEmail(
        notificationOf(facts, { to }),
        { ...PUNCTUAL, now: facts.at + 1_000, ...delivery },
        config.mail.subject,
      )
      const { source } = await compile(mail, config.mail.from)
      await writeWhole(join(directory, `${name}.eml`), source, false)
      await writeWhole(join(directory, `${name}.txt`), `${mail.text}\n`, false)
      if (mail.html !== null) await writeWhole(join(directory, `${name}.html`), mail.html, false)
    }
  })
  say(io, `${all.length} emails with invented facts, each as .eml, .txt and .html, in ${directory}:`)
  say(io, all.map(([name]) => `  ${name}`).join('\n'))
  return EXIT.ok
}
