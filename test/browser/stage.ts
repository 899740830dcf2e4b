import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Log } from '../../src/ports/log.ts'
import { virtualClock } from '../../src/simulate/clock.ts'
import { type Health, startWeb } from '../../src/web/server.ts'
import type { View } from '../../src/web/view.ts'
import { type FakeStore, fakeStore } from '../fakes/store.ts'
import { NOW, type Scene } from '../wire/web-world.ts'

/** Debian's; CHROMIUM names another. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

/** Without a browser the tests are skipped, and their names say so. */
export const BROWSER: string | null = existsSync(CHROMIUM) ? CHROMIUM : null
export const SKIPPED = BROWSER === null ? ` (skipped: there is no chromium at ${CHROMIUM}; CHROMIUM names another)` : ''

export function launch(): Promise<Browser> {
  if (BROWSER === null) throw new Error(`no chromium at ${CHROMIUM}`)
  return chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] })
}

export type Shown = AsyncDisposable &
  Readonly<{
    page: Page
    url: string
    /** Has the server show this from now on. */
    show: (scene: Scene, health?: Health) => void
    store: () => FakeStore
    /** Errors and warnings of the browser, such as a violated policy or an error in the script. */
    complaints: readonly string[]
    endServer: () => Promise<void>
  }>

const silent: Log = { error() {}, warn() {}, info() {}, debug() {} }

/** A scene, served by the real server and opened in a real browser. */
export async function shown(browser: Browser, first: Scene, options: BrowserContextOptions = {}, path = '/'): Promise<Shown> {
  let scene = first
  let store = fakeStore(first.disk)
  let health: Health = { ok: true, reasons: [] }
  const reader = new Proxy({} as FakeStore, { get: (_, name) => Reflect.get(store, name) })
  const web = await startWeb({
    listen: { host: '127.0.0.1', port: 0, hosts: [] },
    log: silent,
    reader,
    health: async () => health,
    view: (): View => scene.view,
    clock: virtualClock(NOW),
  })
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  const url = `http://127.0.0.1:${web.address()?.port}`
  await page.goto(`${url}${path}`)
  return {
    page,
    url,
    complaints,
    store: () => store,
    show(next, how = { ok: true, reasons: [] }) {
      scene = next
      store = fakeStore(next.disk)
      health = how
    },
    endServer: () => web.close(),
    async [Symbol.asyncDispose]() {
      await context.close()
      await web.close()
    },
  }
}
