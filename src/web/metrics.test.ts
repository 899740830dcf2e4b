import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the metrics wake an idle process a few times a second, not fifty', async () => {
  const url = JSON.stringify(pathToFileURL(join(import.meta.dirname, 'metrics.ts')).href)
  const script = `
    const { createMetrics } = await import(${url})
    const metrics = createMetrics()
    const woken = () => process.resourceUsage().voluntaryContextSwitches
    const before = woken()
    setTimeout(() => { console.log(woken() - before); metrics.close() }, 2_000)`
  const args = ['--no-warnings', '--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  expect(Number(stdout)).toBeLessThan(40)
})
