import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StoreError } from '../../src/ports/store.ts'
import {
  ALIBI,
  EXPLAINED,
  incidentOf,
  memberOf,
  NOW,
  owedOf,
  PROBES,
  readingOf,
  rowOf,
  SCENES,
  type Scene,
  UNEXPLAINED,
} from '../wire/web-world.ts'
import { BROWSER, launch, SKIPPED, shown } from './stage.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const PHONE: BrowserContextOptions = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }
const DARK: BrowserContextOptions = { colorScheme: 'dark' }

let browser: Browser
beforeAll(async () => {
  if (BROWSER !== null) browser = await launch()
})
afterAll(async () => browser?.close())

const scene = (name: string): Scene => SCENES[name]!()
const idOf = (at: Scene) => [...at.disk.incidents.keys()][0] ?? ''

/** What axe-core finds, in short. It is run through the browser's developer tools, since the page's policy allows no other script. */
async function violations(page: Page): Promise<string[]> {
  const found = await page.evaluate(`${AXE}; axe.run(document, { resultTypes: ['violations'] })`)
  const { violations } = found as { violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`)
}

/** Whether one has to scroll sideways. */
const isTooWide = (page: Page) => page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')

/** Words of AWS and of the configuration that are wider than a phone and have no place to break. */
function wideScene(): Scene {
  const at = scene('explained')
  const [incident] = [...at.view.world.incidents.values()]
  const code = 'AWS_MULTIPLE_SERVICES_OPERATIONAL_ISSUE'
  const by = { ...ALIBI, code, arn: `arn:aws:health:us-east-1::event/MULTIPLE_SERVICES/${code}/${code}_invented_4`, text: LONG }
  const judgement = { verdict: { ...EXPLAINED, kind: 'explained' as const, by, why: `${code} is about ACCOUNT itself` } }
  const members = [
    ...PROBES.slice(0, 1).map((probe) => memberOf(probe, EXPLAINED, {}, judgement)),
    ...PROBES.slice(1, 2).map((probe) => memberOf(probe, UNEXPLAINED, { monitor: LONG, account: LONG, operation: LONG })),
  ]
  const wide = { ...incident!, members, explainedBy: by.arn }
  at.disk.incidents.set(wide.id, wide)
  at.put(
    [rowOf(wide.id, NOW - 1_000, 'withheld', LONG, 'lapsed-explanation')],
    [owedOf(wide.id, LONG, 'now-explained', { error: LONG })],
  )
  const { events: _, ...read } = readingOf()
  const dashboard = { ...read.sources.dashboard, state: 'unavailable' as const, detail: LONG }
  const reading = { ...read, events: [], sources: { ...read.sources, dashboard } }
  const world = { ...at.view.world, incidents: new Map([[wide.id, wide]]) }
  return { ...at, view: { ...at.view, world, readings: new Map([['aws' as const, reading]]) } }
}
const LONG = 'a-name-that-is-longer-than-any-phone-is-wide-and-has-no-place-to-break'.replaceAll('-', '_')

/** What a reader sees. */
const text = (page: Page, selector = 'main') => page.locator(selector).innerText()

/** Has the page refresh now, as when its tab is opened again. */
const look = (page: Page) => page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`)

describe.skipIf(BROWSER === null)(`the page in a browser${SKIPPED}`, () => {
  describe.each([
    ['light', {}],
    ['dark', DARK],
    ['phone', PHONE],
  ] as const)('%s', (_, options) => {
    test.for(Object.keys(SCENES))('%s: axe-core finds nothing, nothing is too wide, no policy is violated', async (name) => {
      const at = scene(name)
      await using on = await shown(browser, at, options)
      expect(await isTooWide(on.page)).toBe(false)
      for (const details of await on.page.locator('summary').all()) await details.click()
      expect(await violations(on.page)).toEqual([])
      expect(await isTooWide(on.page)).toBe(false)
      if (idOf(at) !== '') {
        await on.page.goto(`${on.url}/incidents/${idOf(at)}`)
        expect(await violations(on.page)).toEqual([])
        expect(await isTooWide(on.page)).toBe(false)
      }
      expect(on.complaints).toEqual([])
    })
  })

  test.for<[string, BrowserContextOptions]>([
    ['390 px', { viewport: { width: 390, height: 844 } }],
    ['390 px of a phone', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }],
    ['360 px', PHONE],
    ['a desktop', { viewport: { width: 1200, height: 900 } }],
  ])('%s: long names wrap, and nobody has to scroll sideways', async ([, options]) => {
    const at = wideScene()
    await using on = await shown(browser, at, options)
    // Not by `scrollWidth`: a phone that zooms out until all fits would hide it. By its own words, so that one knows where to look.
    const tooWide = () =>
      on.page.evaluate(
        `[...document.querySelectorAll('main *')].filter((one) => one.getBoundingClientRect().right > ${options.viewport!.width} + 1).map((one) => one.outerHTML.slice(0, 90))`,
      )
    for (const details of await on.page.locator('summary').all()) await details.click()
    expect(await text(on.page)).toContain('AWS_MULTIPLE_SERVICES_OPERATIONAL_ISSUE')
    expect(await tooWide(), 'overview').toEqual([])
    await on.page.goto(`${on.url}/incidents/${idOf(at)}`)
    expect(await text(on.page)).toContain(LONG)
    expect(await tooWide(), 'incident').toEqual([])
  })

  describe.each([
    ['with JavaScript', {}],
    ['without JavaScript', { javaScriptEnabled: false }],
  ] as const)('%s', (_, options) => {
    test('four hundred ok probes are one grid of small cells, readable on a phone', async () => {
      await using on = await shown(browser, scene('grid'), { ...PHONE, viewport: { width: 390, height: 844 }, ...options })
      const { page } = on
      expect(await page.locator('#grid article').count()).toBe(13)
      expect(await page.locator('#monitors table').count()).toBe(0)
      const cells = page.locator('#m-organization .cells li')
      expect(await cells.count()).toBe(400)
      const [first, last] = [(await cells.first().boundingBox())!, (await cells.last().boundingBox())!]
      expect(last.y + last.height - first.y).toBeLessThan(2 * 844)
      expect(last.x + last.width).toBeLessThanOrEqual(390)
      expect([first.width >= 36, first.height >= 18]).toEqual([true, true])
      expect(await cells.first().getAttribute('title')).toBe(
        'GetContactInformation for 333300000000: ok; last hour: 1 minute inconclusive',
      )
      const said = await cells.locator('.unseen').allTextContents()
      expect([said.length, said.every((words) => /^\d{12}: ok/.test(words))]).toEqual([400, true])
      expect(await text(page, '#m-organization')).toContain('1 minute with failed runs, the latest at 11:39 UTC')
      await page.locator('#m-team-3-about-s').click()
      expect(await text(page, '#m-team-3-about')).toContain('at most 1m between two runs')
    })
  })

  test('what fails stands out of the grid: in the table, by a sign in its cell, and in words', async () => {
    await using on = await shown(browser, scene('several'))
    const { page } = on
    expect(await page.locator('#m-organisation tbody tr').count()).toBe(12)
    const failing = page.locator('#m-organisation .cells .k-failing')
    expect(await failing.count()).toBe(25)
    expect(await failing.first().locator('[aria-hidden]').first().textContent()).toBe('✗0000')
    expect(await failing.first().getAttribute('title')).toMatch(/^GetContactInformation for 222200000000: failing/)
    expect(await page.locator('#m-organisation .cells .k-ok').count()).toBe(15)
  })

  test('dark is dark, and light is light', async () => {
    const ground = async (options: BrowserContextOptions) => {
      await using on = await shown(browser, scene('failing'), options)
      return await on.page.evaluate('getComputedStyle(document.body).backgroundColor')
    }
    expect([await ground({}), await ground(DARK)]).toEqual(['rgb(244, 245, 247)', 'rgb(20, 23, 28)'])
  })

  test.for<[string, BrowserContextOptions]>([
    ['on a desktop', {}],
    ['on a phone', PHONE],
  ])('%s the first screen answers all four questions', async ([, options]) => {
    await using on = await shown(browser, scene('failing'), options)
    const height = on.page.viewportSize()?.height ?? 0
    for (const question of ['Is anything wrong?', 'Is it AWS?', 'Was anyone notified?', 'What was withheld, and why?']) {
      const box = await on.page.locator('#answer dt', { hasText: question }).locator('xpath=following-sibling::dd').boundingBox()
      expect((box?.y ?? height) + (box?.height ?? 0), question).toBeLessThan(height)
    }
  })

  test('two bars on one time axis: ours begins before AWS’s event, by as much as it did', async () => {
    await using on = await shown(browser, scene('explained'))
    const box = async (kind: string) => (await on.page.locator(`#incidents rect.${kind}`).first().boundingBox())!
    const [ours, aws, mail] = [await box('b-ours'), await box('b-aws'), await box('b-mail')]
    expect(ours.x).toBeLessThan(aws.x)
    expect(mail.x).toBeGreaterThan(ours.x)
    expect(mail.x).toBeLessThan(aws.x)
    expect(await text(on.page, '#incidents .timeline')).toContain('31 min after our first failure')
  })

  describe('auto-refresh', () => {
    test('replaces what changed; what is open, focused and scrolled to stays', async () => {
      await using on = await shown(browser, scene('failing'), { viewport: { width: 1000, height: 400 } })
      const { page } = on
      await page.locator('#m-staging-about-s').focus()
      await page.keyboard.press('Enter')
      await page.evaluate(`document.querySelector('#incidents-h').mark = 'kept'`)
      const before = await page.evaluate('scrollY')
      expect(before).toBeGreaterThan(0)
      expect(await text(page, 'h1')).toBe('FAILING')

      const next = scene('failing')
      const [incident] = [...next.view.world.incidents.values()]
      // Everything has run again meanwhile: what is focused and open is itself replaced.
      const probes = new Map([...next.view.world.probes].map(([id, state]) => [id, { ...state, lastRunAt: NOW - 5_000 }]))
      const world = { ...next.view.world, probes, incidents: new Map([[incident!.id, { ...incident!, flapping: true }]]) }
      on.show({ ...next, view: { ...next.view, world } })
      await look(page)
      await expect.poll(() => text(page, 'h1')).toBe('FLAPPING')
      expect(await page.title()).toBe('FLAPPING · Alibi')
      expect(await text(page, '#said')).toBe('Now: FLAPPING')
      expect(await text(page, '#m-staging')).toContain('last run 5s ago')
      expect(await page.evaluate('document.activeElement.id')).toBe('m-staging-about-s')
      expect(await page.locator('#m-staging-about').getAttribute('open')).not.toBeNull()
      expect(await page.evaluate('scrollY')).toBe(before)
      expect(await page.evaluate(`document.querySelector('#incidents-h').mark`)).toBe('kept')
    })

    test('only the worst incident is open; what a reader has opened, or was reading as the worst, stays open', async () => {
      await using on = await shown(browser, scene('several'))
      const { page } = on
      const [worst, second, third] = ['e6e6c0de51b27764', 'f7f7c0de51b27764', 'a8a8c0de51b27764']
      const facts = (id: string) => page.locator(`#i-${id} .facts`).isVisible()
      expect([await facts(worst), await facts(second), await facts(third)]).toEqual([true, false, false])
      await page.locator(`#i-${second}-more-s`).click()
      expect(await facts(second)).toBe(true)

      const next = scene('several')
      const incidents = new Map([...next.view.world.incidents].filter(([id]) => id !== third))
      const over = { verdict: 'explained' as const }
      incidents.set(worst, { ...incidents.get(worst)!, ...over })
      const fresh = incidentOf('1111c0de51b27764', [memberOf(PROBES[0]!, UNEXPLAINED)])
      incidents.set(fresh.id, fresh)
      on.show({ ...next, view: { ...next.view, world: { ...next.view.world, incidents } } })
      await look(page)
      await expect.poll(() => page.locator('#incidents article').first().getAttribute('id')).toBe(`i-${fresh.id}`)
      expect([await facts(fresh.id), await facts(worst), await facts(second)]).toEqual([true, true, true])
      expect(await violations(page)).toEqual([])
    })

    test('the icon follows an incident that comes and goes', async () => {
      await using on = await shown(browser, scene('well'))
      const icon = () => on.page.locator('link[rel=icon]').getAttribute('href')
      const well = await icon()
      on.show(scene('failing'))
      await look(on.page)
      await expect.poll(() => on.page.locator('#incidents article').count()).toBe(1)
      expect(await icon()).not.toBe(well)
      expect(await violations(on.page)).toEqual([])
      on.show(scene('well'))
      await look(on.page)
      await expect.poll(() => on.page.locator('#incidents').count()).toBe(0)
      expect(await icon()).toBe(well)
      const fresh = await on.page.locator('main').innerHTML()
      await on.page.reload()
      expect(fresh).toBe(await on.page.locator('main').innerHTML())
    })

    test('every scene looks the same refreshed as loaded', async () => {
      await using on = await shown(browser, scene('well'))
      for (const name of Object.keys(SCENES)) {
        on.show(scene(name))
        await look(on.page)
        const loaded = await (await fetch(`${on.url}/?part=main`)).text()
        const wanted = await on.page.evaluate(
          `new DOMParser().parseFromString(${JSON.stringify(loaded)}, 'text/html').querySelector('main').outerHTML`,
        )
        await expect.poll(() => on.page.evaluate(`document.querySelector('main').outerHTML`)).toBe(wanted)
      }
      expect(on.complaints).toEqual([])
    })

    test('a page that cannot be refreshed says since when it is out of date, until it is refreshed', async () => {
      await using on = await shown(browser, scene('well'))
      await on.page.route('**/?part=main', (route) => route.abort())
      await look(on.page)
      await expect
        .poll(() => text(on.page, '#stale'))
        .toBe('This page is out of date: Alibi does not respond. It shows the state as of 2026-11-22 12:04:33 UTC.')
      expect(await on.page.title()).toBe('STALE · OK · Alibi')
      expect(await violations(on.page)).toEqual([])
      await on.page.unroute('**/?part=main')
      await look(on.page)
      await expect.poll(() => on.page.locator('#stale').isHidden()).toBe(true)
      expect(await on.page.title()).toBe('OK · Alibi')
    })

    test('requests nothing but the page itself', async () => {
      await using on = await shown(browser, scene('several'))
      const asked: string[] = []
      on.page.on('request', (request) => asked.push(request.url().replace(on.url, '')))
      await on.page.reload()
      await look(on.page)
      await expect.poll(() => asked.length).toBeGreaterThanOrEqual(2)
      expect(asked.filter((url) => url !== '/' && url !== '/?part=main' && !url.startsWith('data:'))).toEqual([])
    })

    test('turned off, the page stays as it is', async () => {
      await using on = await shown(browser, scene('well'))
      await on.page.getByRole('link', { name: 'Turn off auto-refresh' }).click()
      on.show(scene('failing'))
      await look(on.page)
      expect(await on.page.locator('script').count()).toBe(0)
      expect(await text(on.page, 'h1')).toBe('OK')
      await on.page.getByRole('link', { name: 'Turn on auto-refresh' }).click()
      expect(await text(on.page, 'h1')).toBe('FAILING')
    })
  })

  test('without JavaScript everything is there, and the page reloads itself', async () => {
    await using on = await shown(browser, scene('explained'), { javaScriptEnabled: false })
    expect(await text(on.page, 'h1')).toBe('EXPLAINED BY AWS')
    expect(await on.page.locator('head').innerHTML()).toContain('http-equiv="refresh"')
    await on.page.getByRole('link', { name: 'Details of #' }).click()
    expect(await text(on.page, 'h1')).toBe('EXPLAINED BY AWS')
    await on.page.locator('#home').click()
    await on.page.locator('#i-d2d2c0de51b27764-rejected-s').click()
    expect(await text(on.page, '#i-d2d2c0de51b27764-rejected')).toContain('its region is me-central-1')
  })

  test('by keyboard alone: to the summary, into an incident, and back', async () => {
    await using on = await shown(browser, scene('failing'))
    const { page } = on
    await page.keyboard.press('Tab')
    expect(await text(page, ':focus')).toBe('Skip to the summary')
    expect((await page.locator(':focus').boundingBox())?.x).toBeGreaterThanOrEqual(0)
    for (let i = 0; i < 10 && !(await text(page, ':focus')).includes('Details of'); i++) await page.keyboard.press('Tab')
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
    expect(outline).toBe('solid')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/incidents/**')
    await page.locator('#back-link').focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(`${on.url}/`)
  })

  test('without the database the page says what is missing', async () => {
    await using on = await shown(browser, scene('failing'))
    on.store().failAll(new StoreError('disk I/O error', { fatal: false }))
    await look(on.page)
    await expect.poll(() => text(on.page)).toContain('The database cannot be read')
    expect(await violations(on.page)).toEqual([])
  })

  test('that Alibi itself is unhealthy comes before all else', async () => {
    await using on = await shown(browser, scene('well'))
    on.show(scene('well'), { ok: false, reasons: ['monitor production has not run for 9m'] })
    await look(on.page)
    await expect.poll(() => text(on.page, 'h1')).toBe('ALIBI IS UNHEALTHY')
    expect(await text(on.page, '#warnings')).toContain('monitor production has not run for 9m')
  })
})
