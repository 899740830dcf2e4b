import { durationText } from '../config/duration.ts'
import { clockText, type Failure } from './expect.ts'
import type { Played } from './play.ts'
import type { Line } from './timeline.ts'

const WIDTH = 80
/** Width of `+00:09:20  ✗ `. */
const INDENT = 13

/** The story for a person: what failed when, what AWS said, what was decided and why, which emails were sent. */
export function storyText(played: Played): string {
  const { scenario, timeline, failures, delivered, omitted } = played
  const { title, start, lengthMs, notes } = scenario
  const mails = delivered.filter(({ again }) => !again).length
  const verdict = played.passed
    ? '✓ passed'
    : `✗ failed: ${failures.length === 1 ? '1 expectation' : `${failures.length} expectations`}`
  return [
    title,
    `from ${new Date(start).toISOString().slice(0, 19)}Z for ${durationText(lengthMs)}${notes.length === 0 ? '' : `; ${notes.join('; ')}`}`,
    '',
    ...timeline.flatMap(lineText),
    ...(omitted > 0 ? [`… and ${omitted} more lines`] : []),
    '',
    `${verdict}, ${mails === 1 ? '1 mail' : `${mails} mails`}`,
    ...failures.flatMap((failure) => failureText(failure, scenario.file)),
    '',
  ].join('\n')
}

export function failureText({ line, expected, found }: Failure, file: string): readonly string[] {
  const where = line === null ? file : `${file}:${line}`
  return [
    ...wrap(`  ${where}`, '    '),
    ...wrap(`    expected  ${expected}`, '              '),
    ...wrap(`    found     ${found}`, '              '),
  ]
}

/** The same for a program. Times are ISO 8601 UTC of true time; `after` counts from the start. */
export function storyJson(played: Played) {
  const { scenario, passed, delivered, timeline, failures, omitted } = played
  const time = (ms: number) => new Date(scenario.start + ms).toISOString()
  return {
    file: scenario.file,
    title: scenario.title,
    passed,
    mails: delivered
      .filter(({ again }) => !again)
      .map(({ at, kind, mail }) => ({
        at: time(at),
        after: durationText(at),
        kind,
        to: mail.to,
        subject: mail.subject,
        messageId: mail.messageId,
      })),
    timeline: timeline.map(({ at, kind, text, more, until }) => ({
      at: time(at),
      after: durationText(at),
      kind,
      text,
      ...(more === 0 ? {} : { more, until: time(until) }),
    })),
    failures,
    notes: scenario.notes,
    ...(omitted === 0 ? {} : { omitted }),
  }
}

function lineText({ at, kind, mark, text, more, until }: Line): readonly string[] {
  const indent = ' '.repeat(INDENT)
  const [first = '', ...rest] = text.split('\n')
  const head = `${clockText(Math.floor(at / 1000) * 1000).padEnd(INDENT - 3)} ${mark} `
  const lines = [...wrap(`${head}${first}`, indent), ...rest.flatMap((part) => wrap(`${indent}${part}`, indent))]
  // A probe that stays ok is no news.
  const repeats = more > 0 && !(kind === 'run' && mark === '✓')
  return repeats
    ? [...lines, `${indent}… ${more} more like it, the last at ${clockText(Math.floor(until / 1000) * 1000)}`]
    : lines
}

/** Breaks lines at spaces. What has no spaces stays whole. */
function wrap(text: string, indent: string): readonly string[] {
  const lines: string[] = []
  let rest = text
  while (rest.length > WIDTH) {
    const lead = lines.length === 0 ? INDENT : indent.length
    const at = rest.lastIndexOf(' ', WIDTH)
    const cut = at > lead ? at : rest.indexOf(' ', WIDTH)
    if (cut === -1) break
    lines.push(rest.slice(0, cut))
    rest = `${indent}${rest.slice(cut + 1)}`
  }
  return [...lines, rest]
}
