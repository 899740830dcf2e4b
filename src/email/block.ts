import type { StripRow } from './strip.ts'

/** One try as it is shown: a line of what happened, a line of ids. */
export type TryLine = Readonly<{ at: string; what: string; ids: string | null; ok: boolean }>

/** An instant in UTC, in the zone of the monitor where that is another one, and what happened then. */
export type Timed = readonly [utc: string, local: string | null, what: string]

/** A label and its value. */
export type Row = readonly [string, string]

export type Block =
  | Readonly<{ type: 'text'; text: string }>
  | Readonly<{ type: 'rows'; rows: readonly Row[] }>
  | Readonly<{ type: 'times'; zone: string | null; times: readonly Timed[] }>
  | Readonly<{ type: 'list'; items: readonly string[] }>
  | Readonly<{ type: 'heading'; text: string }>
  | Readonly<{ type: 'tries'; title: string; tries: readonly TryLine[]; note: string | null }>
  | Readonly<{ type: 'strip'; rows: readonly StripRow[] }>
  | Readonly<{ type: 'copy'; lines: readonly string[] }>

export type Section = Readonly<{ title: string; blocks: readonly Block[] }>

export function text(line: string): Block {
  return { type: 'text', text: line }
}

export function heading(line: string): Block {
  return { type: 'heading', text: line }
}

export function rows(...pairs: readonly Row[]): Block {
  return { type: 'rows', rows: pairs }
}

export function list(items: readonly string[]): Block {
  return { type: 'list', items }
}
