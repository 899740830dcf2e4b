import type { Cell, CellLine, Cells } from './cells.ts'
import { HourFigure, HourStrip, SlotsFigure } from './figure.tsx'
import type { MonitorRow, ProbeRow } from './monitor-row.ts'
import type { Overview } from './overview.ts'
import type { Word } from './probe-status.ts'
import { type Column, ProbeName, Table } from './table.tsx'

/** A line with more cells has a row of the grid to itself. */
const SHORT_LINE = 6

/** What distinguishes the cells where colors cannot be seen; a cell without a sign is ok. */
const SIGN: Readonly<Record<Word, string>> = {
  failing: '✗',
  blind: '?',
  recovering: '↑',
  checking: '…',
  'not judged': '–',
  'not run yet': '·',
  ok: '',
}

const PROBES: readonly Column<ProbeRow>[] = [
  { head: 'Probe', cell: (row) => <ProbeName {...row} /> },
  { head: 'Status', cell: ({ status }) => status, look: ({ tone }) => `n t-${tone}` },
  { head: 'Detail', cell: ({ note }) => note, look: 'soft' },
]

/** Monitors on which something is not ok have a box each; the others are one grid. */
export function Monitors({ page: { monitors: rows, moreMonitors: more, digest, machines } }: { page: Overview }) {
  const calm = rows.filter(({ tone }) => tone === 'good')
  return (
    <section id="monitors" data-live="" aria-labelledby="monitors-h">
      <h2 id="monitors-h">Monitors</h2>
      {rows.map((row) => (row.tone === 'good' ? null : <Troubled row={row} />))}
      {calm.length === 0 ? null : (
        <div id="grid" class="box good grid" data-live="">
          {calm.map((row) => (
            <Calm row={row} />
          ))}
        </div>
      )}
      {rows.length === 0 ? null : (
        <p id="legend" class="soft small">
          One cell per probe, with the last four digits of its account. A cell without a sign is ok; bars at its foot are the last
          hour where something in it was not.
        </p>
      )}
      {more > 0 ? <p id="monitors-more">And {more} more monitors, none of them worse.</p> : null}
      {machines === null ? null : (
        <p id="machines" class="soft small">
          Machines: {machines}
        </p>
      )}
      {digest === null ? null : (
        <p id="digest" class="soft small">
          Digest: {digest}
        </p>
      )}
    </section>
  )
}

function Troubled({ row }: { row: MonitorRow }) {
  return (
    <article class={`box ${row.tone}`} id={`m-${row.name}`} aria-label={`Monitor ${row.name}`}>
      <Head row={row} />
      <About row={row} />
      {row.hour === null ? null : <HourFigure hour={row.hour} />}
      <Table columns={PROBES} rows={row.probes} />
      {row.more === null ? null : <p class="small">{row.more}</p>}
      <CellLines cells={row.cells} />
    </article>
  )
}

/** All is ok: what its schedule is can be unfolded. */
function Calm({ row }: { row: MonitorRow }) {
  const isWide = row.cells.lines.some(isLong)
  return (
    <article class={isWide ? 'calm wide' : 'calm'} id={`m-${row.name}`} aria-label={`Monitor ${row.name}`}>
      <Head row={row} />
      {row.hour === null ? null : <HourStrip hour={row.hour} />}
      <CellLines cells={row.cells} />
      <details id={`m-${row.name}-about`}>
        <summary id={`m-${row.name}-about-s`} class="small">
          Schedule and last hour
        </summary>
        <About row={row} />
        {row.hour === null ? null : <p class="soft small">{row.hour.said}</p>}
      </details>
    </article>
  )
}

function Head({ row: { name, tone, counts, lastRun } }: { row: MonitorRow }) {
  return (
    <div class="head">
      <h3>{name}</h3>
      <span class={`t-${tone}`}>{counts}</span>
      <span class="soft small">last run {lastRun}</span>
    </div>
  )
}

function About({ row: { about, next } }: { row: MonitorRow }) {
  return (
    <p class="soft small">
      {about}
      <br />
      {next}
    </p>
  )
}

function CellLines({ cells: { lines, more, notes, moreNotes } }: { cells: Cells }) {
  return (
    <>
      <div class="lines">
        {lines.map((line) => (
          <div class={isLong(line) ? 'wide' : undefined}>
            <p class="soft small">{line.operation}</p>
            <ul class="cells">
              {line.cells.map((cell) => (
                <CellItem cell={cell} operation={line.operation} />
              ))}
            </ul>
          </div>
        ))}
      </div>
      {more === null ? null : <p class="small">{more}</p>}
      {notes.length === 0 ? null : (
        <p class="soft small">
          In the last hour: {notes.join('; ')}
          {moreNotes === 0 ? '' : `; and ${moreNotes} more`}
        </p>
      )}
    </>
  )
}

function isLong({ cells }: CellLine): boolean {
  return cells.length > SHORT_LINE
}

function CellItem({ cell: { label, word, said, slots }, operation }: { cell: Cell; operation: string }) {
  return (
    <li class={`k-${word.replaceAll(' ', '-')}`} title={`${operation} for ${said}`}>
      <span aria-hidden="true">
        {SIGN[word]}
        {label}
      </span>
      <span class="unseen">{said}</span>
      {slots.length === 0 ? null : <SlotsFigure slots={slots} />}
    </li>
  )
}
