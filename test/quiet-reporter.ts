import {
  AgentReporter as MinimalReporter,
  type SerializedError,
  type TestCase,
  type TestModule,
  type TestRunEndReason,
} from 'vitest/node'

/**
 * The reporter of `npm test`: nothing of what is well, failures in full, and at the end one line that says what was skipped
 * and why. For each test as it ends, run `npx vitest run FILE`.
 */
export default class QuietReporter extends MinimalReporter {
  override onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[], reason: TestRunEndReason): void {
    super.onTestRunEnd(modules, errors, reason)
    // With a pattern of names everything else is skipped as well.
    if (this.ctx.config.testNamePattern !== undefined) return
    const skipped = [
      ...Map.groupBy(
        modules.flatMap((module) => [...module.children.allTests('skipped')]),
        reasonOf,
      ),
    ]
    if (skipped.length === 0) return
    this.log(`    Skipped  ${skipped.map(([why, tests]) => `${tests.length} (${why})`).join(', ')}`)
  }
}

/** What the test said when it skipped itself, or what its name or that of its suite says; else which it is. */
function reasonOf(test: TestCase): string {
  const result = test.result()
  const note = result.state === 'skipped' ? result.note : undefined
  return note ?? /\(skipped(?:: | where )([^)]+)\)/.exec(test.fullName)?.[1] ?? test.fullName
}
