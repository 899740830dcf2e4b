import type { Child } from 'hono/jsx'
import type { Block, Section } from './block.ts'
import type { Content } from './content.ts'
import { DARK, LIGHT, type Palette } from './palette.ts'
import { LEGEND, type StripRow, stretches } from './strip.ts'

/*
 * Tables and inline styles, for Outlook draws with Word's engine and Gmail may drop the style block. The style block only
 * turns the colours for the dark. Nothing is fetched: no image, no font, no link that counts.
 */

const SANS = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"
const MONO = "font-family:Consolas,Menlo,'DejaVu Sans Mono',monospace;"
const { cell, tone } = LIGHT
/** Ids, codes and addresses are longer than a phone is wide: what cannot be broken makes the whole mail scroll sideways. */
const BREAK = 'word-break:break-word;overflow-wrap:anywhere;'
const SMALL = `${SANS}font-size:13px;line-height:19px;color:${LIGHT.soft};`
const BODY = `${SANS}font-size:15px;line-height:22px;color:${LIGHT.text};`
const CELLS = { '·': 'ok', x: 'failed', '?': 'inconclusive' } as const

/** @throws when it cannot be made at once: the mail then goes out as text */
export function renderHtml(content: Content): string {
  const html = (<Letter content={content} />).toString()
  if (typeof html !== 'string') throw new Error('the HTML part is not ready at once')
  return `<!doctype html>\n${html}\n`
}

function Letter({ content }: { content: Content }) {
  const { opening, warnings, keyFacts, sections, footer, title } = content
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        <title>{title}</title>
        {/* Ours from end to end: nothing foreign is in it. */}
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body class="ground" style={`margin:0;padding:0;background:${LIGHT.ground};`}>
        <div style="display:none;max-height:0;overflow:hidden;mso-hide:all;">{opening.preview}</div>
        <Table class="ground" style={`background:${LIGHT.ground};`}>
          <tr>
            <td align="center" style="padding:16px 8px;">
              <table
                role="presentation"
                width="600"
                cellpadding="0"
                cellspacing="0"
                class={`page line top-${opening.tone}`}
                style={`width:100%;max-width:600px;background:${LIGHT.page};border:1px solid ${LIGHT.line};border-top:4px solid ${tone[opening.tone]};`}
              >
                <tr>
                  <td class="pad" style="padding:20px 24px 4px;text-align:left;">
                    <p class="text" style={`${BODY}font-size:17px;line-height:25px;margin:0 0 12px;${BREAK}`}>
                      <strong class={`tone-${opening.tone}`} style={`color:${tone[opening.tone]};`}>
                        {opening.state}
                      </strong>
                      {opening.joint}
                      {opening.sentence}
                    </p>
                    {warnings.map((text) => (
                      <p
                        class="tone-warn line"
                        style={`${BODY}font-weight:bold;color:${tone.warn};border-left:4px solid ${tone.warn};padding-left:10px;margin:0 0 12px;${BREAK}`}
                      >
                        {text}
                      </p>
                    ))}
                    <Table>
                      {keyFacts.map(({ label, text, link }) => (
                        <tr>
                          <td style={`padding:0 0 9px;${BREAK}`}>
                            <span class="text" style={BODY}>
                              <b>{label}:</b>{' '}
                              {link === null ? (
                                text
                              ) : (
                                <a class="link" href={link} style={`color:${LIGHT.link};word-break:break-all;`}>
                                  {text}
                                </a>
                              )}
                            </span>
                          </td>
                        </tr>
                      ))}
                    </Table>
                  </td>
                </tr>
                {sections.map((section) => (
                  <SectionRow section={section} />
                ))}
                <tr>
                  <td class="pad line" style={`padding:12px 24px 18px;border-top:1px solid ${LIGHT.line};text-align:left;`}>
                    {footer.map((text) => (
                      <p class="soft" style={`${SMALL}margin:0 0 4px;${BREAK}`}>
                        {text}
                      </p>
                    ))}
                  </td>
                </tr>
              </table>
            </td>
          </tr>
        </Table>
      </body>
    </html>
  )
}

function Table({ children, style, class: name }: { children?: Child; style?: string; class?: string }) {
  return (
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0" class={name} style={`width:100%;${style ?? ''}`}>
      {children}
    </table>
  )
}

function SectionRow({ section }: { section: Section }) {
  return (
    <tr>
      <td class="pad line" style={`padding:14px 24px;border-top:1px solid ${LIGHT.line};text-align:left;`}>
        <h2 class="soft" style={`${SANS}font-size:13px;line-height:18px;margin:0 0 8px;color:${LIGHT.soft};`}>
          {section.title}
        </h2>
        {section.blocks.map((block) => (
          <BlockPart block={block} />
        ))}
      </td>
    </tr>
  )
}

function BlockPart({ block }: { block: Block }) {
  switch (block.type) {
    case 'text':
      return (
        <p class="text" style={`${SMALL}color:${LIGHT.text};margin:0 0 8px;${BREAK}`}>
          {block.text}
        </p>
      )
    case 'heading':
      return (
        <p class="text" style={`${SMALL}color:${LIGHT.text};font-weight:bold;margin:10px 0 4px;${BREAK}`}>
          {block.text}
        </p>
      )
    case 'list':
      return (
        <Table style="margin:0 0 8px;">
          {block.items.map((item) => (
            <tr>
              <td class="text" style={`${SMALL}color:${LIGHT.text};padding:1px 0;${BREAK}`}>
                - {item}
              </td>
            </tr>
          ))}
        </Table>
      )
    case 'rows':
      return (
        <Table style="margin:0 0 8px;">
          {block.rows.map(([label, value]) => (
            <tr>
              <td class="soft" valign="top" width="118" style={`${SMALL}padding:1px 10px 1px 0;width:118px;`}>
                {label}
              </td>
              <td class="text" valign="top" style={`${SMALL}color:${LIGHT.text};padding:1px 0;${BREAK}`}>
                {value}
              </td>
            </tr>
          ))}
        </Table>
      )
    case 'tries':
      return (
        <Table style="margin:0 0 10px;">
          <tr>
            <td class="text" style={`${SMALL}color:${LIGHT.text};padding:0 0 2px;${BREAK}`}>
              {block.title}
            </td>
          </tr>
          {block.tries.map(({ at, what, ids, ok }) => (
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
          ))}
          {block.note === null ? null : (
            <tr>
              <td class="text" style={`${SMALL}color:${LIGHT.text};padding:2px 0 0;${BREAK}`}>
                {block.note}
              </td>
            </tr>
          )}
        </Table>
      )
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

/** The same characters as in the text part, so that it reads without colours; neighbours of a kind share a cell. */
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
            {stretches(cells).map(({ cell: mark, length }) => (
              <Stretch mark={mark} length={length} />
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

function Stretch({ mark, length }: { mark: string; length: number }) {
  const name = CELLS[mark as keyof typeof CELLS] as keyof Palette['cell'] | undefined
  // No-break spaces: a cell of ordinary ones has no width.
  if (name === undefined) return <td>{'\u00A0'.repeat(length)}</td>
  const [ground, ink] = cell[name]
  return (
    <td class={`cell-${name}`} style={`background:${ground};color:${ink};`}>
      {mark.repeat(length)}
    </td>
  )
}

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
      ([name, colour]) =>
        `.tone-${name}{color:${colour}!important}.line-${name}{border-color:${colour}!important}.top-${name}{border-top-color:${colour}!important}`,
    ),
    ...Object.entries(cell).map(([name, [under, ink]]) => `.cell-${name}{background:${under}!important;color:${ink}!important}`),
  ]
  return rules.join('\n')
}

const STYLE = `:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (prefers-color-scheme:dark){
${darkRules(DARK)}
}
@media (max-width:480px){.pad{padding-left:14px!important;padding-right:14px!important}}`
