import { openStore } from '../src/adapters/sqlite/store.ts'
import { accountsOf, type Bench, configuration, databaseOf, pageOf } from './bench.ts'
import { residentMb, startChild } from './child.ts'
import { type Figure, median, rounded } from './figure.ts'
import { closedIncident, MEMBERS, NOTHING } from './store.ts'

const PROBES = 50
const PAGES = 10
const MAX_PAGE_MS = 100
const MAX_MEMORY_RATIO = 1.1

type Look = Readonly<{ pageMs: number; rssMb: number }>

/** What many closed incidents of a thousand probes each cost the page, and the daemon's memory while the page is asked for. */
export const closed: Bench = async (ground) => {
  const { size, say } = ground
  const none = await look(ground, 'without-closed', 0)
  const many = await look(ground, 'with-closed', size.closed)
  say(`the page: ${JSON.stringify({ none, many })}`)
  const what = `with ${size.closed} closed incidents of ${MEMBERS.toLocaleString('en')} probes each`
  const figures: Figure[] = [
    { name: 'closed', of: 'pageMs', what: `page ${what}`, value: rounded(many.pageMs, 1), unit: 'ms', atMost: MAX_PAGE_MS },
    { name: 'closed', of: 'pageMsWithout', what: 'page without them', value: rounded(none.pageMs, 1), unit: 'ms' },
    {
      name: 'closed',
      of: 'rssRatio',
      what: `resident memory ${what}, against none`,
      value: rounded(many.rssMb / none.rssMb, 3),
      unit: '×',
      atMost: MAX_MEMORY_RATIO,
      note: `${rounded(many.rssMb, 1)} MB and ${rounded(none.rssMb, 1)} MB after ${PAGES} pages`,
    },
  ]
  return figures
}

async function look(ground: Parameters<Bench>[0], name: string, incidents: number): Promise<Look> {
  const accounts = accountsOf(PROBES).map((id) => `"${id}"`)
  const file = await configuration(ground, name, [['schedule: "0 0 * * *"', `accounts: [${accounts.join(', ')}]`]])
  const store = await openStore({ path: databaseOf(ground, name) })
  for (let i = 0; i < incidents; i++) await store.commit({ ...NOTHING, incidents: [closedIncident(i)] })
  await store.close()
  await using alibi = startChild('watched', { args: [file, 'scheduled'], env: ground.doors.endpoints })
  await alibi.ask('since')
  const took: number[] = []
  for (let i = 0; i < PAGES; i++) {
    const began = performance.now()
    const response = await fetch(`${pageOf(file)}/`)
    const html = await response.text()
    took.push(performance.now() - began)
    if (!response.ok) throw new Error(`the page answers ${response.status}: ${html.slice(0, 200)}`)
  }
  const rssMb = await residentMb(alibi.pid)
  await alibi.stop()
  return { pageMs: median(took), rssMb }
}
