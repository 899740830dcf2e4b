import type { Child } from 'hono/jsx'

export type Column<Row> = Readonly<{
  head: string
  cell: (row: Row) => Child
  /** Classes of its cells: `n` does not wrap, `soft` is secondary, `t-bad` and the like are tones. */
  look?: string | ((row: Row) => string)
  /** Stands before the value where a phone shows the row as a block and without its heads. */
  label?: string
}>

/** A table that becomes a list of blocks on a narrow screen. */
export function Table<Row>({
  columns,
  rows,
  small = false,
}: {
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  small?: boolean
}) {
  return (
    <table class={small ? 'stack small' : 'stack'}>
      <thead>
        <tr>
          {columns.map(({ head }) => (
            <th scope="col">{head}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            {columns.map(({ cell, look, label }) => (
              <td class={typeof look === 'function' ? look(row) : look} data-label={label}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** A part of the page under a heading. Its id names it to the script and to links. */
export function Section({ id, title, children }: { id: string; title: string; children?: Child }) {
  return (
    <section id={id} aria-labelledby={`${id}-h`}>
      <h2 id={`${id}-h`}>{title}</h2>
      {children}
    </section>
  )
}

export function ProbeName({ operation, account }: { operation: string; account: string }) {
  return (
    <>
      {operation} <span class="soft">for {account === 'self' ? 'our own account' : account}</span>
    </>
  )
}
