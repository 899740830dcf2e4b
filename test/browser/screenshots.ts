/*
 * The pictures of the README: `npm run screenshots` makes docs/images/*.png anew from the invented scenes and the golden mails.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BrowserContextOptions } from 'playwright-core'
import { SCENES } from '../wire/web-world.ts'
import { launch, shown } from './stage.ts'

const DIR = 'docs/images'
const PHONE: BrowserContextOptions = { viewport: { width: 360, height: 740 }, isMobile: true }

/** What is cut off below would only repeat itself. */
const PAGES: readonly (readonly [string, string, string, BrowserContextOptions])[] = [
  ['page', 'explained', '/', { viewport: { width: 900, height: 800 } }],
  ['page-dark', 'failing', '/', { viewport: { width: 900, height: 800 }, colorScheme: 'dark' }],
  ['page-phone', 'failing', '/', PHONE],
  ['incident', 'explained', '/incidents/d2d2c0de51b27764', { viewport: { width: 900, height: 800 } }],
]
const MAILS: readonly (readonly [string, string, BrowserContextOptions])[] = [
  ['mail', 'failing', { viewport: { width: 720, height: 800 } }],
  ['mail-phone', 'now-explained', { ...PHONE, colorScheme: 'dark' }],
]

mkdirSync(DIR, { recursive: true })
const browser = await launch()
for (const [file, name, path, options] of PAGES) {
  const scene = SCENES[name]
  if (scene === undefined) throw new Error(`there is no scene ${name}`)
  await using on = await shown(browser, scene(), options, path)
  await on.page.screenshot({ path: `${DIR}/${file}.png` })
}
for (const [file, kind, options] of MAILS) {
  // As a mail program shows it: nothing is fetched, and no script runs.
  const context = await browser.newContext({ ...options, javaScriptEnabled: false, offline: true })
  const page = await context.newPage()
  await page.setContent(readFileSync(resolve('test/golden', `${kind}.html`), 'utf8'))
  await page.screenshot({ path: `${DIR}/${file}.png` })
  await context.close()
}
await browser.close()
