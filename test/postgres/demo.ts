/*
 * `npm run demo:fleet`: two real daemons on a real PostgreSQL, the leader killed in the middle of an outage. Everything is on this
 * machine and goes away with it.
 */
import { isDecision, isRun, type Line, until } from '../wire/daemon-process.ts'
import { fleetStage } from './fleet-stage.ts'
import { startPostgres } from './server.ts'

const began = performance.now()
const tell = (text: string) => process.stdout.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${text}\n`)
const leads = ({ message }: Line) => message === 'this machine leads'

await using held = new AsyncDisposableStack()
const postgres = await startPostgres()
held.defer(() => postgres.stop())
tell('PostgreSQL has started')
const fleet = await fleetStage(postgres.url, 'alibi')
held.use(fleet.on)
const { on } = fleet
const [north, south] = [await fleet.machine('north'), await fleet.machine('south')]
const first = await north.start()
await first.ready()
tell('north leads: it probes the Account API every second')
const second = await south.start()
await second.ready()
tell('south stands by')

on.sandbox.answer({}, 'InternalServerException')
tell('the Account API fails, and AWS Health knows nothing of it')
await first.line('the incident', isDecision('opened'))
await first.line('its delivery', ({ message }) => message === 'mail delivered')
tell(`north has sent an email: ${on.mailbox.mails[0]?.subject}`)

const killedAt = performance.now()
first.kill('SIGKILL')
tell('north is killed (SIGKILL)')
await second.line('the lead', leads)
await second.next('a run', isRun('failed'))
tell(`south leads and probes, ${((performance.now() - killedAt) / 1000).toFixed(1)} s later`)
on.sandbox.answer({}, 'ok')
tell('the Account API works again')
await until('the recovery', () => on.mailbox.mails.length > 1)
const [failing, recovered] = on.mailbox.mails
tell(`south has sent an email: ${recovered?.subject}`)
const isThread = recovered?.headers['in-reply-to'] === failing?.messageId
tell(`it is ${isThread ? 'a reply to' : 'NOT in the thread of'} the first one`)
const incidents = await on.incidents()
tell(
  `one outage, ${incidents.length} incident, ${on.mailbox.mails.length} emails, ${new Set(on.mailbox.mails.map(({ messageId }) => messageId)).size} Message-IDs`,
)
second.kill('SIGTERM')
await second.exited
if (!isThread || incidents.length !== 1 || on.mailbox.mails.length !== 2) process.exitCode = 1
