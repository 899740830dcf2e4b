import { type Document, Lexer, LineCounter, parseDocument, visit, type YAMLError } from 'yaml'
import type { Fault } from './fault.ts'
import { filesIn } from './reference.ts'

/**
 * Tokens of the lexer. No file of the allowed size that a person wrote has more, and the parser needs less than a second for
 * this many.
 */
export const MAX_LEXEMES = 150_000
/** The deepest key of the configuration is at seven. */
export const MAX_DEPTH = 16
const MAX_SYNTAX_FAULTS = 10

/** A parsed YAML text. If it has too many tokens it is not parsed, and the document is empty. */
export type YamlText = Readonly<{ text: string; document: Document.Parsed; lines: LineCounter; isTooLong: boolean }>

export function yamlOf(text: string, maxLexemes = MAX_LEXEMES): YamlText {
  const isTooLong = hasMoreLexemes(text, maxLexemes)
  return { text, isTooLong, ...parse(isTooLong ? '' : text) }
}

function hasMoreLexemes(text: string, max: number): boolean {
  let count = 0
  for (const _ of new Lexer().lex(text)) if (++count > max) return true
  return false
}

function parse(text: string) {
  const lines = new LineCounter()
  // Every error would collect a stack trace that nobody looks at, and there may be one for every line.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return { document: documentOf(text, lines), lines }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function documentOf(text: string, lines: LineCounter): Document.Parsed {
  return parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    // The library compares every key with all earlier ones: a minute for a thousand lines. tree.ts finds duplicates itself.
    uniqueKeys: false,
    resolveKnownTags: false,
    merge: false,
    version: '1.2',
    logLevel: 'error',
  })
}

/** Paths of all secret files that the text refers to. */
export function filesReferred({ document }: YamlText): readonly string[] {
  const paths = new Set<string>()
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string') for (const path of filesIn(node.value)) paths.add(path)
    },
  })
  return [...paths]
}

/** Where an offset of the text is, counted from 1. */
export function placeOf({ lines }: YamlText, offset: number): Readonly<{ line: number; column: number }> {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

/** What keeps the text from being YAML 1.2. */
export function syntaxFaults(yaml: YamlText): readonly Fault[] {
  const { text, document } = yaml
  const faultAt = (error: YAMLError, line: string): Fault => ({
    ...placeOf(yaml, error.pos[0]),
    path: '',
    message: syntaxMessage(error, line),
  })
  // One mistake often causes several errors on its line: the first one counts.
  const firstOfLine = new Map(document.errors.toReversed().map((error) => [placeOf(yaml, error.pos[0]).line, error]))
  const errors = [...firstOfLine.values()].toReversed().slice(0, MAX_SYNTAX_FAULTS)
  const warnings = document.warnings.slice(0, MAX_SYNTAX_FAULTS)
  const { directives } = document
  const isOldVersion = directives?.yaml.explicit === true && directives.yaml.version !== '1.2'
  return [
    ...errors.map((error) => faultAt(error, lineAt(text, error.pos[0]))),
    ...warnings.map((warning) => faultAt(warning, '')),
    ...(isOldVersion ? [{ line: 1, column: 1, path: '', message: 'only YAML 1.2 is supported: remove the %YAML line' }] : []),
  ]
}

function lineAt(text: string, offset: number): string {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n', 1)[0] ?? ''
}

/** A value that starts with a character that no unquoted value may start with, such as `* * * * *` or `@hourly`. */
const UNQUOTED = /(?:[:-]\s+|[[{,]\s*)[*@%`]/

/** Messages of the library may end with what it found, in quotes. That is removed: it could be a piece of a password. */
function syntaxMessage(error: YAMLError, line: string): string {
  switch (error.code) {
    case 'MULTIPLE_DOCS':
      return 'a second document starts here: expected a single one'
    case 'TAB_AS_INDENT':
      return 'indented with a tab: YAML accepts only spaces'
    case 'TAG_RESOLVE_FAILED':
      return 'tags (`!…`) are not supported'
    case 'RESOURCE_EXHAUSTION':
      return `nested more than ${MAX_DEPTH} deep`
    case 'NON_STRING_KEY':
      return 'a key must be plain text'
    default: {
      const message = error.message.split('\n', 1)[0]?.replace(/: *".*$/s, '') ?? ''
      if (line.includes('${')) return `not YAML: ${message}; inside { } and [ ], put a \${…} in quotes`
      return `not YAML: ${message}${UNQUOTED.test(line) ? '; put the value in quotes' : ''}`
    }
  }
}
