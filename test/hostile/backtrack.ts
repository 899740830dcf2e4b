import { type AST, RegExpParser } from '@eslint-community/regexpp'

/*
 * How much a backtracking engine, such as V8's, has to do for an expression on a text: counted, so that the answer is the same on
 * every machine. It knows none of the engine's short cuts, so it may do more than V8 and never does less.
 */

export class TooManySteps extends Error {
  override readonly name = 'TooManySteps'
}

type Next = (at: number) => boolean
/** Matches from `at`, then calls `next` where it stands; tries its other ways if that fails. */
type Matcher = (at: number, next: Next) => boolean
type Run = { text: string; steps: number; most: number }
type Element = AST.Element | AST.CharacterClassElement

/** Steps that replacing every match of the expression in the text takes. */
export function stepsOf(expression: RegExp, text: string, most = 2_000_000): number {
  const run: Run = { text, steps: 0, most }
  const match = compiled(expression, run)
  for (let from = 0; from <= text.length; ) {
    let end = -1
    match(from, (at) => {
      end = at
      return true
    })
    from = end > from ? end : from + 1
    if (/[gy]/.test(expression.flags) || end === -1) continue
    break
  }
  return run.steps
}

function compiled(expression: RegExp, run: Run): Matcher {
  const { flags } = expression
  const parsed = parse(expression)
  const oneOf = (alternatives: readonly AST.Alternative[], back: boolean): Matcher => {
    const all = alternatives.map((alternative) => sequence(alternative.elements, back))
    return (at, next) => all.some((one) => step(run) && one(at, next))
  }
  const sequence = (elements: readonly AST.Element[], back: boolean): Matcher => {
    const all = (back ? elements.toReversed() : elements).map((element) => single(element, back))
    const from = (i: number): Matcher => {
      const one = all[i]
      if (one === undefined) return (at, next) => next(at)
      const rest = from(i + 1)
      return (at, next) => one(at, (then) => rest(then, next))
    }
    return from(0)
  }
  const single = (element: AST.Element, back: boolean): Matcher => {
    switch (element.type) {
      case 'Group':
      case 'CapturingGroup':
        return oneOf(element.alternatives, back)
      case 'Quantifier':
        return repeated(single(element.element, back), element)
      case 'Assertion':
        return assertion(element)
      case 'Backreference':
        throw new TypeError('no back references: with them no engine is linear')
      default:
        return letter(element, back)
    }
  }
  const letter = (element: Element, back: boolean): Matcher => {
    const fits = fitting(element, flags)
    return (at, next) => {
      step(run)
      const place = back ? at - 1 : at
      const given = run.text[place]
      return given !== undefined && fits(given) && next(back ? at - 1 : at + 1)
    }
  }
  const repeated = (one: Matcher, { min, max, greedy }: AST.Quantifier): Matcher => {
    const go = (count: number, at: number, next: Next): boolean => {
      step(run)
      const more = () => count < max && one(at, (then) => (then === at && count >= min ? false : go(count + 1, then, next)))
      if (count < min) return more()
      return greedy ? more() || next(at) : next(at) || more()
    }
    return (at, next) => go(0, at, next)
  }
  const assertion = (element: AST.Assertion): Matcher => {
    const isWord = (place: number) => /\w/.test(run.text[place] ?? ' ')
    switch (element.kind) {
      case 'start':
        return (at, next) => (at === 0 || (flags.includes('m') && run.text[at - 1] === '\n')) && next(at)
      case 'end':
        return (at, next) => (at === run.text.length || (flags.includes('m') && run.text[at] === '\n')) && next(at)
      case 'word':
        return (at, next) => (isWord(at - 1) !== isWord(at)) !== element.negate && next(at)
      case 'lookahead':
      case 'lookbehind': {
        const inner = oneOf(element.alternatives, element.kind === 'lookbehind')
        return (at, next) => inner(at, () => true) !== element.negate && next(at)
      }
    }
  }
  return oneOf(parsed.alternatives, false)
}

function step(run: Run): true {
  run.steps += 1
  if (run.steps > run.most) throw new TooManySteps(`more than ${run.most} steps`)
  return true
}

function parse({ source, flags }: RegExp): AST.Pattern {
  const mode = { unicode: flags.includes('u'), unicodeSets: flags.includes('v') }
  return new RegExpParser({ ecmaVersion: 2025 }).parsePattern(source, 0, source.length, mode)
}

/** Whether one letter is among those that an element stands for; asked of the real engine, once for each letter. */
function fitting({ raw }: Pick<Element, 'raw'>, flags: string): (letter: string) => boolean {
  const one = new RegExp(`^(?:${raw})$`, flags.replace(/[gmy]/g, ''))
  const known = new Map<string, boolean>()
  return (letter) => {
    const before = known.get(letter)
    if (before !== undefined) return before
    const fits = one.test(letter)
    known.set(letter, fits)
    return fits
  }
}

/** Letters that hostile texts are made of; those of the expression itself are added to them. */
const LETTERS = [...'aA0z9-_ \n\t<>&;/@:.,#x()[]{}"\'=?!$%+\\|~^*', '\u0301', '\u00e9', '\u202e', '\u{d800}']
const MAX_ATOMS = 8
/** Longer pumps are drawn, always the same ones. */
const DRAWN = 40
/** A quantifier that may repeat more often than this counts as one without a bound. */
const MANY = 256

/** Whether the expression can match texts of any length; one that cannot is linear. */
export function isUnbounded(expression: RegExp): boolean {
  return quantifiersIn(expression).some(({ max }) => max > MANY)
}

function quantifiersIn(expression: RegExp): readonly AST.Quantifier[] {
  return nodesOf(parse(expression)).filter((node): node is AST.Quantifier => node.type === 'Quantifier')
}

/** Texts of about `length` letters that are bad for the expression, if any are: what it repeats, repeated, and an end that does not fit. */
export function attacks(expression: RegExp, length: number): readonly string[] {
  const { flags } = expression
  const pattern = parse(expression)
  const letters = nodesOf(pattern).filter((node) => /^Character/.test(node.type) && node.type !== 'CharacterClassRange')
  const alphabet = [
    ...new Set([...letters.flatMap((node) => (node.type === 'Character' ? [node.raw.slice(-1)] : [])), ...LETTERS]),
  ]
  const atoms: string[] = []
  for (const node of letters) {
    const fits = fitting(node as Element, flags)
    for (const found of alphabet.filter((one) => fits(one)).slice(0, 2)) if (!atoms.includes(found)) atoms.push(found)
  }
  const few = atoms.slice(0, MAX_ATOMS)
  const shortest = shortestOf(pattern.alternatives, flags, alphabet)
  const pumps = new Set([
    ...few,
    ...few.flatMap((a) => few.map((b) => a + b)),
    shortest,
    shortest.slice(0, -1),
    shortest.slice(1),
  ])
  let seed = 1
  const draw = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return few[seed % few.length] ?? ''
  }
  for (let i = 0; i < DRAWN; i++) pumps.add(Array.from({ length: 3 + (i % 3) }, draw).join(''))
  pumps.delete('')
  const begins = ['', '\u0001', shortest.slice(0, -1)]
  return [...pumps].flatMap((pump) =>
    begins.flatMap((begin) => [
      `${begin}${pump.repeat(Math.ceil(length / pump.length))}\u0001`,
      begin + pump.repeat(Math.ceil(length / pump.length)),
    ]),
  )
}

/** A short text that the first way through the alternatives matches, without regard to assertions. */
function shortestOf(alternatives: readonly AST.Alternative[], flags: string, alphabet: readonly string[]): string {
  const of = (element: AST.Element): string => {
    switch (element.type) {
      case 'Group':
      case 'CapturingGroup':
        return shortestOf(element.alternatives, flags, alphabet)
      case 'Quantifier':
        return of(element.element).repeat(Math.min(element.min, MANY))
      case 'Assertion':
      case 'Backreference':
        return ''
      default: {
        const fits = fitting(element, flags)
        return alphabet.find((one) => fits(one)) ?? ''
      }
    }
  }
  return (alternatives[0]?.elements ?? []).map(of).join('')
}

function nodesOf(node: AST.Node): readonly AST.Node[] {
  const inner: readonly AST.Node[] =
    'alternatives' in node
      ? (node.alternatives as readonly AST.Node[])
      : 'elements' in node
        ? (node.elements as readonly AST.Node[])
        : node.type === 'Quantifier'
          ? [node.element]
          : []
  // A class is one letter, whatever is in it.
  return [node, ...(node.type === 'CharacterClass' || node.type === 'ExpressionCharacterClass' ? [] : inner.flatMap(nodesOf))]
}
