import type { Child } from 'hono/jsx'
import type { Hour, Minute } from './hour.ts'
import type { Bar, Timeline } from './timeline.ts'

/*
 * Drawn without scripts and without style attributes: positions are SVG attributes, colours are classes. Every figure also says
 * in words what it shows, visibly or for screen readers.
 */

const HEIGHT: Readonly<Record<Minute, number>> = { ok: 10, inconclusive: 16, failed: 24, none: 2 }

/** Sixty minutes, the worse the taller, so that they can be distinguished without colour; below, how long the runs took. */
export function HourFigure({ hour }: { hour: Hour }) {
  return (
    <figure class="hour">
      <svg viewBox="0 0 240 24" preserveAspectRatio="none" role="img" aria-label={hour.said}>
        <Bars minutes={hour.minutes} step={4} gap={1} />
      </svg>
      {hour.latency === null ? null : (
        <svg class="line" viewBox="0 0 240 24" preserveAspectRatio="none" aria-hidden="true">
          <path d={pathOf(hour.longestMs)} />
        </svg>
      )}
      <figcaption class="soft small">
        <span>{hour.from}</span>
        <span>{hour.latency ?? ''}</span>
        <span>{hour.to}</span>
      </figcaption>
    </figure>
  )
}

/** The same sixty minutes without the times. */
export function HourStrip({ hour: { minutes, said } }: { hour: Hour }) {
  return (
    <svg class="strip" viewBox="0 0 60 24" preserveAspectRatio="none" role="img" aria-label={said}>
      <Bars minutes={minutes} step={1} gap={0} />
    </svg>
  )
}

/** At the foot of a cell, which says the same in words: only what was not ok. */
export function SlotsFigure({ slots }: { slots: readonly Minute[] }) {
  return (
    <svg viewBox={`0 0 ${slots.length} 24`} preserveAspectRatio="none" aria-hidden="true">
      <Bars minutes={slots.map((slot) => (slot === 'ok' ? 'none' : slot))} step={1} gap={0} />
    </svg>
  )
}

/** One path for each kind of minute: there may be thousands of bars on a page. Where there is no gap, equal neighbours are one bar. */
function Bars({ minutes, step, gap }: { minutes: readonly Minute[]; step: number; gap: number }) {
  const paths = new Map<Minute, string>()
  let from = 0
  minutes.forEach((mark, n) => {
    if (gap === 0 && minutes[n + 1] === mark) return
    const [x, width, height] = [from * step, (n + 1 - from) * step - gap, HEIGHT[mark]]
    paths.set(mark, `${paths.get(mark) ?? ''}M${x} 24v-${height}h${width}v${height}z`)
    from = n + 1
  })
  return (
    <>
      {[...paths].map(([mark, d]) => (
        <path class={`c-${mark}`} d={d} />
      ))}
    </>
  )
}

/** A line over the minutes that have a run, with gaps where there is none. */
function pathOf(longestMs: readonly (number | null)[]): string {
  const top = Math.max(1, ...longestMs.map((ms) => ms ?? 0))
  let path = ''
  let isDrawing = false
  longestMs.forEach((ms, n) => {
    if (ms !== null) path += `${isDrawing ? 'L' : 'M'}${n * 4 + 1} ${(22 - (ms / top) * 20).toFixed(1)}h1`
    isDrawing = ms !== null
  })
  return path
}

/** Our failures and AWS's event as two bars on one time axis, and the emails below. */
export function TimelineFigure({ timeline }: { timeline: Timeline }) {
  const { ours, maybe, aws, mails, begin, end, oursText, awsText, mailsText } = timeline
  return (
    <figure class="timeline">
      <Row name="Our failures" text={oursText}>
        {maybe === null ? null : <Rect bar={maybe} kind="maybe" />}
        {ours.map((bar) => (
          <Rect bar={bar} kind="ours" />
        ))}
      </Row>
      <Row name="AWS event" text={awsText}>
        {aws.map((bar) => (
          <Rect bar={bar} kind="aws" />
        ))}
      </Row>
      <Row name="Emails" text={mailsText}>
        {mails.map((at) => (
          <rect class="b-mail" x={Math.max(0, at - 3)} y={1} width={6} height={14} />
        ))}
      </Row>
      <figcaption class="soft small">
        <span>{begin}</span>
        <span>{end}</span>
      </figcaption>
    </figure>
  )
}

function Row({ name, text, children }: { name: string; text: string; children?: Child }) {
  return (
    <div class="row">
      <p class="small">
        <b>{name}</b> <span class="soft">{text}</span>
      </p>
      <svg viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true">
        <rect class="b-ground" x={0} y={7} width={1000} height={2} />
        {children}
      </svg>
    </div>
  )
}

/** A bar without an end yet is open to the right: its last part is dashed. */
function Rect({ bar, kind }: { bar: Bar; kind: 'ours' | 'maybe' | 'aws' }) {
  const { from, to, open } = bar
  const [y, height] = kind === 'maybe' ? [5, 6] : [1, 14]
  if (!open || to - from < 60) return <rect class={`b-${kind}`} x={from} y={y} width={to - from} height={height} />
  return (
    <>
      <rect class={`b-${kind}`} x={from} y={y} width={to - from - 40} height={height} />
      {[34, 20, 6].map((left) => (
        <rect class={`b-${kind}`} x={to - left} y={y} width={6} height={height} />
      ))}
    </>
  )
}
