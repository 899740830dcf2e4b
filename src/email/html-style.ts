import { DARK, LIGHT, type Palette } from './palette.ts'

const SANS = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"
export const MONO = "font-family:Consolas,Menlo,'DejaVu Sans Mono',monospace;"
/** Ids, codes and addresses are longer than a phone is wide: one that cannot be broken makes the whole email scroll sideways. */
export const BREAK = 'word-break:break-word;overflow-wrap:anywhere;'
export const SMALL = `${SANS}font-size:13px;line-height:19px;color:${LIGHT.soft};`
export const BODY = `${SANS}font-size:15px;line-height:22px;color:${LIGHT.text};`
export const HEADING = `${SANS}font-size:13px;line-height:18px;margin:0 0 8px;color:${LIGHT.soft};`

function darkRules({ ground, page, text, soft, line, code, link, tone, cell }: Palette): string {
  const rules = [
    `.ground{background:${ground}!important}`,
    `.page{background:${page}!important}`,
    `.code{background:${code}!important}`,
    `.text{color:${text}!important}`,
    `.soft{color:${soft}!important}`,
    `.link{color:${link}!important}`,
    `.line{border-color:${line}!important}`,
    ...Object.entries(tone).map(
      ([name, color]) =>
        `.tone-${name}{color:${color}!important}.line-${name}{border-color:${color}!important}.top-${name}{border-top-color:${color}!important}`,
    ),
    ...Object.entries(cell).map(([name, [under, ink]]) => `.cell-${name}{background:${under}!important;color:${ink}!important}`),
  ]
  return rules.join('\n')
}

/** Only changes the colors for dark mode and the padding on phones: Gmail may drop it. */
export const STYLE_SHEET = `:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (prefers-color-scheme:dark){
${darkRules(DARK)}
}
@media (max-width:480px){.pad{padding-left:14px!important;padding-right:14px!important}}`
