/*
 * The pictures of the README: `npm run screenshots` makes docs/images/*.png from the invented scenes and the sample emails.
 */
import { mkdirSync } from 'node:fs'
import type { BrowserContextOptions } from 'playwright-core'
import type { Facts } from '../../src/domain/notification.ts'
import { renderEmail } from '../../src/email/render.ts'
import { CASES, notificationOf, PUNCTUAL, SAMPLES } from '../../src/email/samples.ts'
import { SCENES } from '../wire/web-world.ts'
import { launch, shown } from './stage.ts'

const DIR = 'docs/images'
const PHONE: BrowserContextOptions = { viewport: { width: 360, height: 740 }, isMobile: true }

/** What the pictures cut off at the bottom would only repeat itself. */
const PAGES: readonly (readonly [string, string, string, BrowserContextOptions])[] = [
  ['page', 'explained', '/', { viewport: { width: 900, height: 800 } }],
  ['page-dark', 'failing', '/', { viewport: { width: 900, height: 800 }, colorScheme: 'dark' }],
  ['page-phone', 'failing', '/', PHONE],
  ['incident', 'explained', '/incidents/d2d2c0de51b27764', { viewport: { width: 900, height: 800 } }],
]
const EMAILS: readonly (readonly [string, Facts | undefined, BrowserContextOptions])[] = [
  ['mail', CASES['failing-one-of-eleven']?.facts, { viewport: { width: 720, height: 800 } }],
  ['mail-phone', SAMPLES['now-explained'], { ...PHONE, colorScheme: 'dark' }],
]

mkdirSync(DIR, { recursive: true })
const browser = await launch()
for (const [file, name, path, options] of PAGES) {
  const scene = SCENES[name]
  if (scene === undefined) throw new Error(`there is no scene ${name}`)
  await using on = await shown(browser, scene(), options, path)
  await on.page.screenshot({ path: `${DIR}/${file}.png` })
}
for (const [file, facts, options] of EMAILS) {
  if (facts === undefined) throw new Error(`there is no sample for ${file}`)
  // As an email client shows it: nothing is fetched, and no script runs.
  const context = await browser.newContext({ ...options, javaScriptEnabled: false, offline: true })
  const page = await context.newPage()
  const { html } = renderEmail(notificationOf(facts), { ...PUNCTUAL, now: facts.at + 1_000 })
  await page.setContent(html ?? '')
  await page.screenshot({ path: `${DIR}/${file}.png` })
  await context.close()
}
await browser.close()
