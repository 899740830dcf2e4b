/** One number that was measured. `name` and `of` are its place in the JSON: `{ [name]: value }` or `{ [name]: { [of]: value } }`. */
export type Figure = Readonly<{
  name: string
  of?: string
  /** The row's text in the table. */
  what: string
  value: number
  unit: string
  /** What we aim for. A figure beyond it is marked, and fails nothing: machines are noisy. */
  atMost?: number
  note?: string
}>

export function toJson(figures: readonly Figure[]): Record<string, unknown> {
  const all: Record<string, unknown> = {}
  for (const { name, of, value } of figures) {
    if (of === undefined) all[name] = value
    else all[name] = { ...(all[name] as object | undefined), [of]: value }
  }
  return all
}

export function toTable(figures: readonly Figure[]): string {
  const head = ['', 'figure', 'aim', 'note']
  const rows = figures.map(({ what, value, unit, atMost, note }) => {
    const aim =
      atMost === undefined ? '' : `≤ ${shown(atMost)}${unit === '' ? '' : ` ${unit}`}${value > atMost ? '  MISSED' : ''}`
    return [what, `${shown(value)}${unit === '' ? '' : ` ${unit}`}`, aim, note ?? '']
  })
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Nearest rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
}

/** The exponent b of a × xᵇ through these points (least squares of the logarithms): 0 is flat, 1 linear. */
export function exponentOf(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.map(([x, y]) => ({ x: Math.log(x), y: Math.log(y) }))
  const mean = (of: (point: { x: number; y: number }) => number) => logs.reduce((sum, p) => sum + of(p), 0) / logs.length
  const [x, y] = [mean((p) => p.x), mean((p) => p.y)]
  return mean((p) => (p.x - x) * (p.y - y)) / mean((p) => (p.x - x) ** 2)
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

function shown(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 3 })
}
