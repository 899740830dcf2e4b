import { createHash } from 'node:crypto'
import { DARK, LIGHT, type Palette } from '../email/palette.ts'

function colours({ ground, page, text, soft, line, code, link, tone, cell }: Palette): string {
  const tones = Object.entries(tone).map(([name, colour]) => `--${name}:${colour};`)
  const cells = Object.entries(cell).map(([name, [back, front]]) => `--cell-${name}:${back};--on-${name}:${front};`)
  return `--ground:${ground};--page:${page};--text:${text};--soft:${soft};--line:${line};--code:${code};--link:${link};${tones.join('')}${cells.join('')}`
}

/** The whole appearance of the page: there are no style attributes, no files and no styles set by the script. */
export const STYLE = `
:root{color-scheme:light dark;${colours(LIGHT)}}
@media (prefers-color-scheme:dark){:root{${colours(DARK)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;overflow-wrap:break-word}
header,main,footer{max-width:68rem;margin:0 auto;padding:0 1rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;justify-content:space-between;padding-top:.75rem;padding-bottom:.5rem;color:var(--soft);font-size:.875rem}
header b{color:var(--text)}
footer{padding-top:1rem;padding-bottom:2rem;color:var(--soft);font-size:.875rem}
a{color:var(--link)}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
h1,h2,h3{line-height:1.25;margin:0}
h2{font-size:1.125rem;margin:1.75rem 0 .5rem}
h3{font-size:.875rem;margin:1rem 0 .25rem;color:var(--soft)}
p{margin:.25rem 0}
#warnings p+p{border-top:1px solid var(--line);padding-top:.35rem;margin-top:.35rem}
.box{background:var(--page);border:1px solid var(--line);border-left:6px solid var(--plain);border-radius:4px;padding:.75rem 1rem;margin:0 0 .75rem}
.box.bad{border-left-color:var(--bad)}.box.warn{border-left-color:var(--warn)}.box.good{border-left-color:var(--good)}
.answer{border-top-width:4px}
.answer.bad{border-color:var(--bad)}.answer.warn{border-top-color:var(--warn)}.answer.good{border-top-color:var(--good)}
.answer h1{font-size:1.75rem;letter-spacing:.01em}
.answers{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:.5rem 2rem;margin:.5rem 0 0}
.answers dt{font-size:.875rem;color:var(--soft)}
.answers dd{margin:0;font-size:1.0625rem}
.t-bad{color:var(--bad)}.t-warn{color:var(--warn)}.t-good{color:var(--good)}.t-plain{color:var(--plain)}
.t-bad,.t-warn,.state{font-weight:600}
.soft{color:var(--soft)}.small{font-size:.875rem}
.head{display:flex;flex-wrap:wrap;gap:.1rem .75rem;align-items:baseline}
.head h2,.head h3{margin:0}
.head h3{font-size:1rem;color:var(--text)}
.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem .75rem;margin:.5rem 0}
.facts dt{color:var(--soft)}
.facts dd{margin:0}
table{border-collapse:collapse;width:100%;font-size:.9375rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .75rem .3rem 0;border-top:1px solid var(--line)}
th{font-weight:600;color:var(--soft);font-size:.8125rem;border-top:0}
td:last-child,th:last-child{padding-right:0}
td,dd,p,li,h2,h3,summary,blockquote{overflow-wrap:anywhere}
.n{white-space:nowrap;overflow-wrap:normal}
ul{margin:.25rem 0;padding-left:1.1rem}
li{margin:.15rem 0}
form{margin:.5rem 0}
button{font:inherit;font-weight:600;padding:.5rem 1rem;border:1px solid var(--link);border-radius:4px;background:var(--link);color:var(--page);cursor:pointer}
button.plain{font-weight:400;padding:.25rem .6rem;background:none;color:var(--link)}
blockquote{margin:.5rem 0;padding:.5rem .75rem;background:var(--code);border-radius:4px;font-size:.9375rem}
code{font-family:ui-monospace,Consolas,Menlo,'DejaVu Sans Mono',monospace;font-size:.9em}
summary{cursor:pointer;padding:.35rem 0;color:var(--link)}
figure{margin:.5rem 0}
figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 .75rem;font-size:.8125rem}
figure svg{display:block;width:100%}
.hour svg{height:1.5rem}
.hour svg.line{height:1.25rem;margin-top:.25rem}
.hour .line path{fill:none;stroke:var(--plain);stroke-width:1.5;vector-effect:non-scaling-stroke}
.c-ok{fill:var(--good);opacity:.55}.c-failed{fill:var(--bad)}.c-inconclusive{fill:var(--warn)}.c-none{fill:var(--line)}
.strip{display:block;width:100%;height:.75rem;margin:.25rem 0}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:.5rem 1.5rem}
.calm{min-width:0;border-top:1px solid var(--line);padding-top:.35rem}
.wide{grid-column:1/-1}
.lines{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,18rem),1fr));gap:.25rem 1.5rem;margin:.35rem 0}
.lines>div{min-width:0}
.cells{display:flex;flex-wrap:wrap;gap:3px;list-style:none;margin:.1rem 0 0;padding:0}
.cells li{position:relative;margin:0;min-width:2.6rem;padding:.1rem .25rem .3rem;border:1px solid var(--soft);border-radius:3px;background:var(--code);color:var(--text);font-size:.75rem;line-height:1.25;text-align:center;font-variant-numeric:tabular-nums}
.cells .c-none{fill:none}
.cells svg{position:absolute;left:0;bottom:0;width:100%;height:.3rem}
.cells .k-ok{background:var(--cell-ok);color:var(--on-ok);border-color:transparent}
.cells .k-failing{background:var(--cell-failed);color:var(--on-failed);border-color:transparent;font-weight:600}
.cells .k-blind{background:var(--cell-inconclusive);color:var(--on-inconclusive);border-style:dashed;border-color:currentColor}
.timeline svg{height:.875rem}
.timeline .row{margin:.35rem 0}
.timeline .row p{margin:0 0 .1rem}
.b-ground{fill:var(--line)}.b-ours{fill:var(--bad)}.b-maybe{fill:var(--bad);opacity:.35}.b-aws{fill:var(--warn)}.b-mail{fill:var(--link)}
.stale{position:sticky;top:0;z-index:1;margin:0;padding:.5rem 1rem;background:var(--bad);color:var(--page);font-weight:600;text-align:center}
.stale[hidden]{display:none}
.unseen{position:absolute;width:1px;height:1px;margin:0;overflow:hidden;clip-path:inset(50%)}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.5rem}
@media (max-width:40rem){
header,main,footer{padding-left:.75rem;padding-right:.75rem}
.answer h1{font-size:1.5rem}
.box{padding:.6rem .75rem}
.facts{grid-template-columns:minmax(0,1fr);gap:0}.facts dd{margin:0 0 .4rem}
figcaption span:nth-child(2):nth-last-child(2){order:3;flex-basis:100%}
table.stack,.stack tbody,.stack tr,.stack td{display:block}
.stack thead{position:absolute;left:-99rem}
.stack tr{border-top:1px solid var(--line);padding:.35rem 0}
.stack td{border:0;padding:.05rem .6rem .05rem 0}
.stack td.n{display:inline-block;max-width:100%}
.stack td.n .soft{white-space:normal;overflow-wrap:anywhere}
.stack td:empty{display:none}
.stack td[data-label]::before{content:attr(data-label) ' ';color:var(--soft);font-size:.8125rem}
}
@media print{details{display:block}}
`

/** For `style-src`: only this text may style the page. */
export const STYLE_HASH = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`

/** The icon of the browser's tab: red while something fails that AWS does not explain. */
export function iconOf(tone: keyof Palette['tone']): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="${LIGHT.tone[tone]}"/></svg>`
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}
