import { cell, fold } from './table.ts'

/** One result of `check --live`: what was tested, what came of it, and what to do about it (`null` if nothing). */
export type Finding = Readonly<{ what: string; ok: boolean; detail: string; fix: string | null }>

export function passed(what: string, detail: string): Finding {
  return { what, ok: true, detail, fix: null }
}

export function failed(what: string, detail: string, fix: string): Finding {
  return { what, ok: false, detail, fix }
}

export function findingText({ what, ok, detail, fix }: Finding, columns: number | null): string {
  const line = `${ok ? 'ok  ' : 'FAIL'}   ${what}: ${cell(detail)}`
  return [fold(line, columns, 7), ...(fix === null ? [] : [fold(`       -> ${fix}`, columns, 10)])].join('\n')
}
