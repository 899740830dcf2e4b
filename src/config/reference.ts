import type { Env } from './endpoints.ts'

/*
 * `${VAR}`, `${VAR:-default}` and `${file:/run/secrets/x}` inside a scalar; `$${` is a literal `${`.
 * Resolved after the YAML has been parsed, so that no value can change the structure of the file, and only once, so that a
 * value with a `${` in it stays as it is.
 */

/** Maximum length of a resolved value: more than a certificate chain. */
export const MAX_RESOLVED_CHARS = 128 * 1024
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s
const FILE = /^file:(.+)$/s

/** Where values come from. Files have been read before: by path, the text, or why there is none. */
export type Sources = Readonly<{
  env: Env
  files: ReadonlyMap<string, SecretFile>
}>

export type SecretFile = Readonly<{ ok: true; text: string }> | Readonly<{ ok: false; why: string }>

export type Resolved = Readonly<{
  text: string
  /** Whether there was a reference in it. */
  referred: boolean
  /** Values from outside the file; a default is not one. */
  values: readonly Readonly<{ from: 'env' | 'file'; name: string; value: string }>[]
  /** Each in one sentence, without any value. */
  faults: readonly string[]
}>

/** Paths of `${file:…}` in a text, as written. */
export function filesIn(text: string): readonly string[] {
  return tokensIn(text).flatMap(({ inner }) => FILE.exec(inner ?? '')?.[1] ?? [])
}

/** `$${`, `${…}`, or a `${` without its `}`: then there is no `inner`. */
type Token = Readonly<{ from: number; to: number; token: string; inner: string | undefined }>

/** Without a regular expression, which would search the whole text for the end of every unclosed `${`. */
function tokensIn(text: string): readonly Token[] {
  const tokens: Token[] = []
  const last = text.lastIndexOf('}')
  for (let from = text.indexOf('${'); from !== -1; from = text.indexOf('${', from)) {
    const escaped = text[from - 1] === '$'
    const close = from > last ? -1 : text.indexOf('}', from)
    const to = escaped || close === -1 ? from + 2 : close + 1
    const start = escaped ? from - 1 : from
    const inner = escaped || close === -1 ? undefined : text.slice(from + 2, close)
    tokens.push({ from: start, to, token: text.slice(start, to), inner })
    from = to
  }
  return tokens
}

export function resolve(text: string, sources: Sources): Resolved {
  const values: { from: 'env' | 'file'; name: string; value: string }[] = []
  const faults: string[] = []
  let referred = false
  const take = (token: string, inner: string | undefined): string => {
    if (token === '$${') return '${'
    referred = true
    if (inner === undefined) {
      faults.push(`a \${ without a closing }; write $\${ for a literal \${`)
      return token
    }
    const path = FILE.exec(inner)?.[1]
    if (path !== undefined) {
      const file = sources.files.get(path)
      if (file?.ok === true) {
        values.push({ from: 'file', name: path, value: file.text })
        return file.text
      }
      faults.push(`the file of \`${token}\` ${file?.why ?? 'was not read'}`)
      return token
    }
    const [, name, fallback] = VARIABLE.exec(inner) ?? []
    // The first } would end the outer reference, and the rest would be appended to its value.
    if (fallback?.includes('${') === true) {
      faults.push(`the default of \`${name}\` cannot contain another \${…}`)
      return token
    }
    if (name === undefined) {
      faults.push(`expected \${VAR}, \${VAR:-default} or \${file:PATH}; write $\${ for a literal \${`)
      return token
    }
    const value = sources.env[name]
    // As in a shell, `:-` also applies to a variable that is set but empty.
    if (value !== undefined && !(value === '' && fallback !== undefined)) {
      values.push({ from: 'env', name, value })
      return value
    }
    if (fallback !== undefined) return fallback
    faults.push(`the environment variable \`${name}\` is not set; write \`\${${name}:-…}\` to give it a default`)
    return token
  }
  const parts: string[] = []
  let done = 0
  let length = 0
  for (const { from, to, token, inner } of tokensIn(text)) {
    const part = take(token, inner)
    parts.push(text.slice(done, from), part)
    done = to
    length += part.length
    if (length <= MAX_RESOLVED_CHARS) continue
    faults.push(`its value is longer than ${MAX_RESOLVED_CHARS} characters`)
    break
  }
  return { text: `${parts.join('')}${text.slice(done)}`, referred, values, faults }
}
