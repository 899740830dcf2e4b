import type { Section } from './block.ts'
import type { Content } from './content.ts'
import { BlockPart } from './html-block.tsx'
import { BODY, BREAK, HEADING, SMALL, STYLE_SHEET } from './html-style.ts'
import { Table } from './html-table.tsx'
import type { KeyFact } from './key-facts.ts'
import type { Opening } from './opening.ts'
import { LIGHT } from './palette.ts'

/*
 * Tables and inline styles, because Outlook draws with Word's engine and Gmail may drop the style block. Nothing is fetched:
 * no image, no font, no link that counts.
 */

const { tone } = LIGHT

/** @throws if it cannot be rendered synchronously: the email is then sent as text */
export function renderHtml(content: Content): string {
  const html = (<Page content={content} />).toString()
  if (typeof html !== 'string') throw new Error('the HTML part cannot be rendered synchronously')
  return `<!doctype html>\n${html}\n`
}

function Page({ content }: { content: Content }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        <title>{content.title}</title>
        {/* It is all ours: no foreign text is in it. */}
        <style dangerouslySetInnerHTML={{ __html: STYLE_SHEET }} />
      </head>
      <body class="ground" style={`margin:0;padding:0;background:${LIGHT.ground};`}>
        <div style="display:none;max-height:0;overflow:hidden;mso-hide:all;">{content.opening.preview}</div>
        <Table class="ground" style={`background:${LIGHT.ground};`}>
          <tr>
            <td align="center" style="padding:16px 8px;">
              <Sheet content={content} />
            </td>
          </tr>
        </Table>
      </body>
    </html>
  )
}

/** The white sheet in the middle of the window. */
function Sheet({ content: { opening, warnings, keyFacts, sections, footer } }: { content: Content }) {
  return (
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
          <OpeningPart opening={opening} />
          {warnings.map((text) => (
            <p
              class="tone-warn line"
              style={`${BODY}font-weight:bold;color:${tone.warn};border-left:4px solid ${tone.warn};padding-left:10px;margin:0 0 12px;${BREAK}`}
            >
              {text}
            </p>
          ))}
          <Table>
            {keyFacts.map((fact) => (
              <KeyFactRow fact={fact} />
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
  )
}

function OpeningPart({ opening }: { opening: Opening }) {
  return (
    <p class="text" style={`${BODY}font-size:17px;line-height:25px;margin:0 0 12px;${BREAK}`}>
      <strong class={`tone-${opening.tone}`} style={`color:${tone[opening.tone]};`}>
        {opening.state}
      </strong>
      {opening.joint}
      {opening.sentence}
      {opening.width === null ? null : (
        <>
          <br />
          {opening.width}
        </>
      )}
    </p>
  )
}

function KeyFactRow({ fact: { label, text, link } }: { fact: KeyFact }) {
  return (
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
  )
}

function SectionRow({ section }: { section: Section }) {
  return (
    <tr>
      <td class="pad line" style={`padding:14px 24px;border-top:1px solid ${LIGHT.line};text-align:left;`}>
        <h2 class="soft" style={HEADING}>
          {section.title}
        </h2>
        {section.blocks.map((block) => (
          <BlockPart block={block} />
        ))}
      </td>
    </tr>
  )
}
