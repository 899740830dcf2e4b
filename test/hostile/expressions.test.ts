import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { attacks, isUnbounded, stepsOf, TooManySteps } from './backtrack.ts'

/*
 * Every regular expression of the source meets foreign text sooner or later, or may tomorrow. None may take a time that grows
 * faster than the text: a few kilobytes would then keep the event loop for seconds.
 */

const LITERAL =
  /(?<=[(,=:?!&|[{;]\s*|return\s+|^\s*|=>\s*)\/(?![/*])((?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/([dgimsuvy]*)(?=[\s,;.)\]:}?]|$)/gm

type Found = Readonly<{ where: string; expression: RegExp }>

function literalsIn(file: string): readonly Found[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.flatMap((line, i) => {
    if (/^\s*(\*|\/[/*])/.test(line)) return []
    return [...line.matchAll(LITERAL)].flatMap(([, source = '', flags = '']) => {
      try {
        return [{ where: `${file}:${i + 1}`, expression: new RegExp(source, flags) }]
      } catch {
        return []
      }
    })
  })
}

const files = globSync('src/**/*.{ts,tsx}').filter((file) => !file.includes('.test.') && !file.startsWith('src/sandbox/'))
const literals = files.flatMap(literalsIn)

/** Those that are put together when a module is loaded. */
async function madeBy(module: string): Promise<readonly Found[]> {
  const made: Found[] = []
  const real = RegExp
  vi.resetModules()
  vi.stubGlobal(
    'RegExp',
    new Proxy(real, {
      construct(target, given) {
        const expression = Reflect.construct(target, given) as RegExp
        made.push({ where: module, expression })
        return expression
      },
    }),
  )
  try {
    await import(/* @vite-ignore */ `../../src/${module}`)
  } finally {
    vi.unstubAllGlobals()
  }
  return made
}

/** Steps on texts of one and of two lengths: twice the text may take little more than twice the steps. */
const LENGTHS = [160, 320] as const
const MOST_TIMES = 3
/** So few steps say nothing of growth. */
const FEW = 3_000

function worst(expression: RegExp): string | null {
  const [short, long] = LENGTHS.map((length) => attacks(expression, length)) as [readonly string[], readonly string[]]
  for (const [i, text] of long.entries()) {
    try {
      const more = stepsOf(expression, text)
      if (more <= FEW) continue
      const few = stepsOf(expression, short[i] ?? '')
      if (more > MOST_TIMES * few)
        return `${few} steps become ${more} on ${JSON.stringify(text.slice(0, 12))}…${JSON.stringify(text.slice(-4))}`
    } catch (error) {
      if (!(error instanceof TooManySteps)) throw error
      return `no end on ${JSON.stringify(text.slice(0, 12))}`
    }
  }
  return null
}

describe('no regular expression takes longer than its text grows', () => {
  test('they are found in the source', () => {
    expect(literals.length).toBeGreaterThan(150)
    expect(new Set(literals.map(({ where }) => where.split(':')[0])).size).toBeGreaterThan(40)
  })

  test.for(
    literals.filter(({ expression }) => isUnbounded(expression)).map(({ where, expression }) => [where, expression] as const),
  )('%s %s', ([, expression]) => expect(worst(expression)).toBeNull())

  test('those that name regions, put together from a list', async () => {
    const made = await madeBy('domain/region.ts')
    expect(made.length).toBeGreaterThanOrEqual(3)
    for (const { expression } of made)
      expect([expression.source.slice(0, 60), worst(expression)]).toEqual([expression.source.slice(0, 60), null])
  })
})

test.for([/[a-z]+@/g, /(a+)+$/, /\s+$/, /^(a|a)*$/, /"(.*)"x/s, /(?:a|b)*c/g])('one that does is noticed: %s', (expression) =>
  expect(worst(expression)).not.toBeNull(),
)
