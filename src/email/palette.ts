import type { Tone } from './opening.ts'

/** Colors of emails and of the status page, in light and in dark. Every text has a contrast of at least 4.5 to its background. */
export type Palette = Readonly<{
  ground: string
  page: string
  text: string
  soft: string
  line: string
  code: string
  link: string
  tone: Readonly<Record<Tone, string>>
  /** Background and text color of a cell in the strip. */
  cell: Readonly<Record<'ok' | 'failed' | 'inconclusive', readonly [string, string]>>
}>

export const LIGHT: Palette = {
  ground: '#f4f5f7',
  page: '#ffffff',
  text: '#1d2430',
  soft: '#566072',
  line: '#d9dde4',
  code: '#f4f5f7',
  link: '#0b57d0',
  tone: { bad: '#b3261e', warn: '#8a5300', good: '#1b6e3c', plain: '#37475f' },
  cell: { ok: ['#d6efdd', '#14532d'], failed: ['#b3261e', '#ffffff'], inconclusive: ['#fbe7b2', '#5c4400'] },
}

export const DARK: Palette = {
  ground: '#14171c',
  page: '#1d2127',
  text: '#e6e9ee',
  soft: '#a5afbe',
  line: '#3a414c',
  code: '#14171c',
  link: '#8ab4f8',
  tone: { bad: '#ff8a80', warn: '#f2b84b', good: '#7fd6a0', plain: '#b8c4d6' },
  cell: { ok: ['#1d4a2e', '#c7f0d5'], failed: ['#ff8a80', '#3b0906'], inconclusive: ['#6b5200', '#ffe9ad'] },
}
