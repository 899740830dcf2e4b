// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such texts are what is tested
import { expect, test } from 'vitest'
import { filesIn, resolve } from './reference.ts'

const sources = {
  env: { HOST: 'smtp.example', EMPTY: '', NESTED: '${HOST}' },
  files: new Map([
    ['/run/secrets/smtp', { ok: true, text: 'hunter22' } as const],
    ['/gone', { ok: false, why: 'does not exist' } as const],
  ]),
}

test.for<[string, string, string]>([
  ['a variable', '${HOST}', 'smtp.example'],
  ['within a text, twice', 'a ${HOST} b ${HOST} c', 'a smtp.example b smtp.example c'],
  ['a default, if the variable is not set', '${NOPE:-587}', '587'],
  ['a default that is empty', '${NOPE:-}', ''],
  ['a default where the variable is empty, as in a shell', '${EMPTY:-x}', 'x'],
  ['an empty variable without default', '${EMPTY}', ''],
  ['a default is ignored if the variable is set', '${HOST:-other}', 'smtp.example'],
  ['a file', '${file:/run/secrets/smtp}', 'hunter22'],
  ['an escape', 'costs $${HOST}', 'costs ${HOST}'],
  ['a value is not resolved again', '${NESTED}', '${HOST}'],
  ['a lone dollar', '$HOST $ {HOST}', '$HOST $ {HOST}'],
])('%s', ([, text, expected]) => {
  const resolved = resolve(text, sources)
  expect(resolved.faults).toEqual([])
  expect(resolved.text).toBe(expected)
})

test.for<[string, string, RegExp]>([
  ['a variable that is not set', '${NOPE}', /`NOPE` is not set/],
  ['a file that cannot be read', '${file:/gone}', /does not exist/],
  ['no name', '${}', /^expected \$\{VAR\}/],
  ['an invalid name', '${1+1}', /^expected \$\{VAR\}/],
  ['not closed', 'x ${HOST', /without a closing }/],
  ['a default with another one in it', '${NOPE:-${HOST}}', /^the default of `NOPE` cannot contain another \$\{…\}$/],
  ['the same where the variable is set', '${HOST:-x${NOPE}}', /^the default of `HOST` cannot contain another/],
])('%s is a fault', ([, text, fault]) => expect(resolve(text, sources).faults).toEqual([expect.stringMatching(fault)]))

test('values from outside are listed; defaults are not', () => {
  expect(resolve('${HOST} ${file:/run/secrets/smtp} ${NOPE:-plain}', sources).values).toEqual([
    { from: 'env', name: 'HOST', value: 'smtp.example' },
    { from: 'file', name: '/run/secrets/smtp', value: 'hunter22' },
  ])
})

test('files are found before a text is resolved', () => {
  expect(filesIn('${file:/a} $${file:/b} ${HOST} x${file:c/d}')).toEqual(['/a', 'c/d'])
})
