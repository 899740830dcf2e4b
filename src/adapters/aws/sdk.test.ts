import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const sources = globSync('src/**/*.ts', { exclude: ['**/*.test.ts'] }).map((path) => [path, readFileSync(path, 'utf8')] as const)

/**
 * What the SDK is changed by: its request handler, its signer, credentials, and middleware that is added. All of it is documented.
 * Nothing else can read the schemas that the clients export than `@smithy/core/schema`: it is only read with.
 */
test.for<[what: string, pattern: RegExp]>([
  ['a package that calls itself internal', /from '@(?:aws-sdk|smithy)\/core\b(?!\/schema')/],
  ['middleware of the SDK that is taken away', /middlewareStack\s*\.\s*(?:remove|removeByTag|addRelativeTo)/],
  ['a property of a client’s configuration that is replaced', /defineProperty\(\s*\w*[cC]onfig\b/],
  ['an option that the SDK marks as internal', /\b(?:streamCollector|urlParser|bodyLengthChecker|defaultUserAgentProvider)\b/],
])('there is no %s', ([, pattern]) => {
  expect(sources.length).toBeGreaterThan(100)
  expect(sources.filter(([, text]) => pattern.test(text)).map(([path]) => path)).toEqual([])
})
