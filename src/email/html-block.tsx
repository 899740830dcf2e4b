import type { Block, Row, Timed, TryLine } from './block.ts'
import { BREAK, MONO, SMALL } from './html-style.ts'
import { Table } from './html-table.tsx'
import { LIGHT, type Palette } from './palette.ts'
import { grouped, LEGEND, type StripRow } from './strip.ts'

const { cell, tone } = LIGHT
const TEXT = `${SMALL}color:${LIGHT.text};`
const CELLS = { '·': 'ok', x: 'failed', '?': 'inconclusive' } as const

export function BlockPart({ block }: { block: Block }) {
  switch (block.type) {
    case 'text':
      return (
        <p class="text" style={`${TEXT}margin:0 0 8px;${BREAK}`}>
          {block.text}
        </p>
      )
    case 'heading':
      return (
        <p class="text" style={`${TEXT}font-weight:bold;margin:10px 0 4px;${BREAK}`}>
          {block.text}
        </p>
      )
    case 'list':
      return <ListPart items={block.items} />
    case 'rows':
      return <RowsPart rows={block.rows} />
    case 'times':
      return <TimesPart zone={block.zone} times={block.times} />
    case 'tries':
      return <TriesPart title={block.title} tries={block.tries} note={block.note} />
    case 'strip':
      return <StripPart rows={block.rows} />
    case 'copy':
      return (
        <pre
          class="text code line"
          style={`${MONO}font-size:12px;line-height:17px;color:${LIGHT.text};background:${LIGHT.code};border:1px solid ${LIGHT.line};padding:10px;margin:0;white-space:pre-wrap;${BREAK}`}
        >
          {block.lines.join('\n')}
        </pre>
      )
  }
}

function ListPart({ items }: { items: readonly string[] }) {
  return (
    <Table style="margin:0 0 8px;">
      {items.map((item) => (
        <tr>
          <td class="text" style={`${TEXT}padding:1px 0;${BREAK}`}>
            - {item}
          </td>
        </tr>
      ))}
    </Table>
  )
}

function RowsPart({ rows }: { rows: readonly Row[] }) {
  return (
    <Table style="margin:0 0 8px;">
      {rows.map(([label, value]) => (
        <tr>
          <td class="soft" valign="top" width="118" style={`${SMALL}padding:1px 10px 1px 0;width:118px;`}>
            {label}
          </td>
          <td class="text" valign="top" style={`${TEXT}padding:1px 0;${BREAK}`}>
            {value}
          </td>
        </tr>
      ))}
    </Table>
  )
}

function TimesPart({ zone, times }: { zone: string | null; times: readonly Timed[] }) {
  const time = `${SMALL}padding:1px 10px 1px 0;white-space:nowrap;`
  return (
    <Table style="margin:0 0 8px;">
      {zone === null ? null : (
        <tr>
          <td class="soft" width="84" style={time}>
            UTC
          </td>
          <td class="soft" width="60" style={time}>
            {zone}
          </td>
          <td />
        </tr>
      )}
      {times.map(([utc, local, what]) => (
        <tr>
          <td class="soft" valign="top" width="84" style={time}>
            {utc}
          </td>
          {zone === null ? null : (
            <td class="soft" valign="top" width="60" style={time}>
              {local}
            </td>
          )}
          <td class="text" valign="top" style={`${TEXT}padding:1px 0;${BREAK}`}>
            {what}
          </td>
        </tr>
      ))}
    </Table>
  )
}

function TriesPart({ title, tries, note }: { title: string; tries: readonly TryLine[]; note: string | null }) {
  return (
    <Table style="margin:0 0 10px;">
      <tr>
        <td class="text" style={`${TEXT}padding:0 0 2px;${BREAK}`}>
          {title}
        </td>
      </tr>
      {tries.map((line) => (
        <TryPart line={line} />
      ))}
      {note === null ? null : (
        <tr>
          <td class="text" style={`${TEXT}padding:2px 0 0;${BREAK}`}>
            {note}
          </td>
        </tr>
      )}
    </Table>
  )
}

function TryPart({ line: { at, what, ids, ok } }: { line: TryLine }) {
  return (
    <tr>
      <td
        class={`text line-${ok ? 'good' : 'bad'}`}
        style={`${MONO}font-size:12px;line-height:17px;color:${LIGHT.text};padding:2px 0 2px 8px;border-left:3px solid ${ok ? tone.good : tone.bad};${BREAK}`}
      >
        {at} {what}
        {ids === null ? null : (
          <span class="soft" style={`color:${LIGHT.soft};`}>
            <br />
            {ids}
          </span>
        )}
      </td>
    </tr>
  )
}

/** The same characters as in the text part, so that it can be read without colors; equal characters side by side share a cell. */
function StripPart({ rows }: { rows: readonly StripRow[] }) {
  return (
    <>
      <p class="soft" style={`${SMALL}margin:4px 0;`}>
        {LEGEND}
      </p>
      {rows.map(({ from, to, cells }, index) => (
        <table
          role="presentation"
          cellpadding="0"
          cellspacing="0"
          style={`${MONO}font-size:11px;line-height:17px;margin:0 0 ${index === rows.length - 1 ? 10 : 3}px;`}
        >
          <tr>
            <td class="soft" style={`color:${LIGHT.soft};padding:0 5px 0 0;`}>
              {from}
            </td>
            {grouped(cells).map(({ cell: mark, length }) => (
              <CellGroup mark={mark} length={length} />
            ))}
            <td class="soft" style={`color:${LIGHT.soft};padding:0 0 0 5px;`}>
              {to}
            </td>
          </tr>
        </table>
      ))}
    </>
  )
}

function CellGroup({ mark, length }: { mark: string; length: number }) {
  const name = CELLS[mark as keyof typeof CELLS] as keyof Palette['cell'] | undefined
  // No-break spaces: a cell of ordinary spaces has no width.
  if (name === undefined) return <td>{'\u00A0'.repeat(length)}</td>
  const [ground, ink] = cell[name]
  return (
    <td class={`cell-${name}`} style={`background:${ground};color:${ink};`}>
      {mark.repeat(length)}
    </td>
  )
}
