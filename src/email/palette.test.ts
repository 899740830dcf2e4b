import { expect, test } from 'vitest'
import { DARK, LIGHT, type Palette } from './palette.ts'

/** WCAG 2: relative luminance of the lighter over that of the darker. */
function contrast(a: string, b: string): number {
  const [x = 0, y = 0] = [luminance(a), luminance(b)].sort((p, q) => q - p)
  return (x + 0.05) / (y + 0.05)
}

function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function pairs({ page, code, text, soft, link, tone, cell }: Palette): [string, string, string][] {
  return [
    ['text', text, page],
    ['text in the block', text, code],
    ['soft', soft, page],
    ['link', link, page],
    ...Object.entries(tone).map(([name, color]): [string, string, string] => [name, color, page]),
    ...Object.entries(cell).map(([name, [ground, ink]]): [string, string, string] => [`cell ${name}`, ink, ground]),
  ]
}

test.for([...pairs(LIGHT).map((p) => ['light', ...p] as const), ...pairs(DARK).map((p) => ['dark', ...p] as const)])(
  '%s: %s is readable',
  ([, , ink, ground]) => expect(contrast(ink, ground)).toBeGreaterThanOrEqual(4.5),
)
