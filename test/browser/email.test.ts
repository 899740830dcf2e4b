import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Facts } from '../../src/domain/notification.ts'
import { renderEmail } from '../../src/email/render.ts'
import { AT, CASES, notificationOf, PUNCTUAL, SAMPLES } from '../../src/email/samples.ts'
import { BROWSER, launch, SKIPPED } from './stage.ts'

let browser: Browser
beforeAll(async () => {
  if (BROWSER !== null) browser = await launch()
})
afterAll(async () => browser?.close())

/** Names as AWS and people make them: longer than a phone is wide, and without a place to break. */
const LONG = 'AWS_MULTIPLE_SERVICES_OPERATIONAL_ISSUE_THAT_IS_LONGER_THAN_ANY'
const { incident, probes, sources } = SAMPLES.failing
const wide: Facts = {
  ...SAMPLES.failing,
  reason: LONG,
  monitors: [{ name: LONG, impact: LONG, runbook: `https://wiki.example/${LONG}`, threshold: LONG }],
  probes: probes.map((probe) => ({ ...probe, probe: LONG, monitor: LONG, operation: LONG, lapsed: LONG })),
  sources: { ...sources!, dashboard: { ...sources!.dashboard, state: 'unavailable', detail: LONG } },
  incident: { ...incident!, explainedBy: `arn:aws:health:us-east-1::event/IAM/${LONG}/x`, id: LONG },
  overrides: [`AWS_ENDPOINT_URL_ACCOUNT=http://127.0.0.1:4566/${LONG}`],
  next: LONG,
}

describe.skipIf(BROWSER === null)(`an email in a browser${SKIPPED}`, () => {
  test('none has to be pushed aside to be read on a narrow phone', async () => {
    const all: readonly (readonly [string, Facts])[] = [
      ...Object.entries(SAMPLES),
      ...Object.entries(CASES).map(([name, { facts }]) => [name, facts] as const),
      ['wide names', wide],
    ]
    const context = await browser.newContext({ viewport: { width: 360, height: 740 }, offline: true })
    const page = await context.newPage()
    const tooWide: string[] = []
    for (const [name, facts] of all) {
      const refused = [{ recipient: LONG, address: LONG, error: LONG }]
      const { html } = renderEmail(notificationOf(facts), { ...PUNCTUAL, now: AT, refused: name === 'wide names' ? refused : [] })
      await page.setContent(html ?? '')
      const width = await page.evaluate('document.documentElement.scrollWidth')
      if (Number(width) > 360) tooWide.push(`${name}: ${width} px`)
    }
    await context.close()
    expect(tooWide).toEqual([])
  })
})
