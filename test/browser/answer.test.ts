import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { takeAnswer } from '../../src/daemon/answers.ts'
import type { Log } from '../../src/ports/log.ts'
import { virtualClock } from '../../src/simulate/clock.ts'
import { answerKey } from '../../src/web/answer-key.ts'
import { startWeb } from '../../src/web/server.ts'
import { fakeStore } from '../fakes/store.ts'
import { NOW, SCENES } from '../wire/web-world.ts'
import { BROWSER, launch, SKIPPED } from './stage.ts'

const TOKEN = 'hunter-hunter-hunter-22'
const silent: Log = { error() {}, warn() {}, info() {}, debug() {} }

/** The page behind the link of an email, with the store that its buttons write to. */
async function linked() {
  const scene = SCENES['failing']!()
  const clock = virtualClock(NOW)
  const store = fakeStore(scene.disk)
  const acks = new Map(scene.view.world.acks)
  const reread = async () => {
    for (const ack of await store.acks()) acks.set(ack.incident, ack)
  }
  const web = await startWeb({
    listen: { host: '127.0.0.1', port: 0, hosts: [], token: TOKEN },
    log: silent,
    reader: store,
    health: async () => ({ ok: true, reasons: [] }),
    view: () => ({ ...scene.view, world: { ...scene.view.world, acks } }),
    clock,
    answers: { token: TOKEN, take: (answer) => takeAnswer(answer, { store, clock, reread }) },
  })
  const [incident] = scene.view.world.incidents.keys()
  const key = answerKey(TOKEN, { incident: incident ?? '', recipient: 'oncall', until: NOW + 3_600_000 })
  const url = `http://127.0.0.1:${web.address()?.port}/incidents/${incident}?answer=${key}`
  return { url, key, store, incident, [Symbol.asyncDispose]: () => web.close() }
}

describe.skipIf(BROWSER === null)(`the link of an email, in a browser${SKIPPED}`, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser.close())

  test.for([
    ['with JavaScript', true],
    ['without JavaScript', false],
  ] as const)('%s one click acknowledges, and another silences', async ([, javaScriptEnabled]) => {
    await using on = await linked()
    const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 390, height: 844 } })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => void complaints.push(message.text()))
    await page.goto(on.url)
    const button = page.getByRole('button', { name: 'Acknowledge' })
    const { y = Number.NaN } = (await button.boundingBox()) ?? {}
    expect(y, 'from the top of a phone’s screen').toBeLessThan(400)
    await button.click()
    await page.locator('#answer-form').getByText('Acknowledged', { exact: true }).waitFor()
    expect(page.url()).toBe(on.url)
    expect(await on.store.acks()).toMatchObject([{ incident: on.incident }])
    await page.getByRole('button', { name: '4 hours', exact: true }).click()
    await page.locator('#answer-form').getByText('Acknowledged', { exact: true }).waitFor()
    expect((await on.store.silences(0)).length).toBeGreaterThan(0)
    expect(complaints).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    await context.close()
  })

  test('a form of another site, with the right key, changes nothing', async () => {
    await using on = await linked()
    const context = await browser.newContext()
    const page = await context.newPage()
    const { origin, pathname } = new URL(on.url)
    await page.setContent(
      `<form method="post" action="${origin}${pathname}/answer"><input name="answer" value="${on.key}"><button name="do" value="ack">x</button></form>`,
    )
    await page.getByRole('button').click()
    await page.waitForURL(`${origin}${pathname}/answer`)
    expect(await on.store.acks()).toEqual([])
    await context.close()
  })
})
