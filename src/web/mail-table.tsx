import type { MailRow } from './mail-row.ts'
import { type Column, Table } from './table.tsx'

const COLUMNS: readonly Column<MailRow>[] = [
  {
    head: 'Email',
    cell: ({ kind, to }) => (
      <>
        {kind} <span class="soft">to {to}</span>
      </>
    ),
  },
  { head: 'State', cell: ({ state }) => state, look: ({ tone }) => `n t-${tone}` },
  { head: 'When', cell: ({ when }) => when },
  { head: 'Mail server’s answer', cell: ({ error }) => error },
]

export function MailTable({ rows }: { rows: readonly MailRow[] }) {
  return <Table small columns={COLUMNS} rows={rows} />
}
