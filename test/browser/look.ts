/* Pictures of every scene, for work on the page: `npx tsc -p test/browser/tsconfig.json && npx node test/browser/dist/test/browser/look.js DIR [scene…]` */
import { mkdirSync } from 'node:fs'
import { SCENES } from '../wire/web-world.ts'
import { launch, shown } from './stage.ts'

const [dir = '/tmp/alibi-look', ...only] = process.argv.slice(2)
mkdirSync(dir, { recursive: true })
const browser = await launch()
for (const [name, scene] of Object.entries(SCENES)) {
  if (only.length > 0 && !only.includes(name)) continue
  for (const [kind, options] of [
    ['light', {}],
    ['dark', { colorScheme: 'dark' }],
    ['phone', { viewport: { width: 360, height: 740 }, isMobile: true, deviceScaleFactor: 1 }],
  ] as const) {
    const at = scene()
    await using on = await shown(browser, at, options)
    await on.page.screenshot({ path: `${dir}/${name}-${kind}.png`, fullPage: true })
    const id = [...at.disk.incidents.keys()][0]
    if (id === undefined || kind === 'dark') continue
    await on.page.goto(`${on.url}/incidents/${id}`)
    await on.page.screenshot({ path: `${dir}/${name}-incident-${kind}.png`, fullPage: true })
  }
}
await browser.close()
