import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../../src/adapters/log.ts'
import { fileMailer, fileName } from '../../src/adapters/maildir.ts'
import { tighten } from '../../src/adapters/modes.ts'
import { lock } from '../../src/adapters/sqlite/lock.ts'
import { filesOf } from '../../src/adapters/sqlite/place.ts'
import { openStore } from '../../src/adapters/sqlite/store.ts'
import { writeWhole } from '../../src/adapters/whole-file.ts'
import { main } from '../../src/cli/program.ts'

/* Files that others may read, and links that others have put where Alibi writes. */

const isRoot = process.geteuid?.() === 0
const ONLY_ROOT = isRoot ? '' : ' (skipped: only root can give files away)'
/** Another user: `nobody`. */
const ANOTHER = 65_534
const TREASURE = 'what nobody may overwrite'

let place: string
let treasure: string
let umask: number
beforeEach(() => {
  umask = process.umask(0o022)
  place = mkdtempSync(join(tmpdir(), 'alibi-modes-'))
  treasure = join(place, 'treasure')
  writeFileSync(treasure, TREASURE)
})
afterEach(() => {
  process.umask(umask)
  rmSync(place, { recursive: true, force: true })
})

const at = (...names: string[]) => join(place, ...names)
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

function yaml(more: string): string {
  const path = at('alibi.yaml')
  writeFileSync(path, `${more}\nrecipients: { oncall: { to: [oncall@example.com] } }\n`)
  return path
}

const MAIL = `mail: { from: a@b.example, directory: "DIR" }`
const mailTo = (directory: string) => MAIL.replace('DIR', directory)

async function alibi(...args: string[]): Promise<Readonly<{ code: number; said: string }>> {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const code = await main(args, { out: say, err: say, env: { HOME: place }, isTty: false, columns: null })
  return { code, said: said.join('\n') }
}

describe('a link in the way of a file is not followed', () => {
  const mail = {
    from: 'a@b.example',
    to: ['oncall@example.com'],
    envelope: ['oncall@example.com'],
    subject: 's',
    text: 't',
    html: null,
    messageId: '<1.2.3@b.example>',
    date: 0,
    headers: {},
    inReplyTo: null,
    references: [],
  }
  const plant = (path: string) => symlinkSync(treasure, path)

  const WRITERS: readonly (readonly [string, () => string[], () => Promise<unknown>])[] = [
    ['a file that is written whole', () => [at('whole'), at(`whole.${process.pid}.part`)], () => writeWhole(at('whole'), 'x')],
    [
      'an email in a file',
      () => [at(fileName(mail)), at(`${fileName(mail)}.${process.pid}.part`)],
      () => fileMailer({ directory: place, from: mail.from }).send(mail, new AbortController().signal),
    ],
    [
      'the test whether emails can be written',
      () => [at(`.writable-${process.pid}`), at(`.writable-${process.pid}.${process.pid}.part`)],
      () => fileMailer({ directory: place, from: mail.from }).verify(new AbortController().signal),
    ],
    [
      'the preview of emails',
      () => ['eml', 'txt', 'html'].map((ending) => at(`failing.${ending}`)),
      () => alibi('mail', 'preview', '--out', place, '--config', yaml(mailTo(place))),
    ],
    [
      'the emails of a simulation',
      () => [],
      async () => {
        const scenario = 'config/scenarios/aws-never-speaks.yaml'
        const mails = at('mails')
        await alibi('simulate', scenario, '--mails', mails)
        const names = readdirSync(mails, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(eml|txt)$/.test(name))
        expect(names.length).toBeGreaterThan(1)
        for (const name of names) {
          rmSync(join(mails, name))
          plant(join(mails, name))
        }
        await alibi('simulate', scenario, '--mails', mails)
        for (const name of names) expect(lstatSync(join(mails, name)).isFile(), name).toBe(true)
      },
    ],
    [
      'who holds the database',
      () => [at('a.db.holder'), at(`a.db.holder.${process.pid}`)],
      async () => lock(at('a.db')).release(),
    ],
    [
      'the trial of the disk',
      () => [at(`.alibi-check-${process.pid}`)],
      () => alibi('check', '--live', '--config', yaml(`${mailTo(place)}\nstorage: { path: "${at('a.db')}" }\n${OFFLINE}`)),
    ],
  ]
  /** Nothing of this reaches beyond this machine. */
  const OFFLINE = `health: { api: false, dashboard: false }\ncontrol: { url: "http://127.0.0.1:9/" }\nmonitors: [{ attempts: 1, timeout: 100ms, credentials: { profile: none } }]`

  test.for(WRITERS)('%s', async ([, links, write]) => {
    for (const path of links()) plant(path)
    await write()
    expect(readFileSync(treasure, 'utf8')).toBe(TREASURE)
    expect(modeOf(treasure)).toBe('644')
  })

  const today = new Date(Date.now()).toISOString().slice(0, 10)
  test.for([`alibi.log.${today}`, 'alibi.log.audit.json'])('the log file: %s', async (name) => {
    plant(at(name))
    let said = ''
    const stdout = new Writable({
      write(chunk, _, done) {
        said += String(chunk)
        done()
      },
    })
    const file = { path: at('alibi.log'), maxSizeBytes: 1_000_000, keep: 3 }
    const log = createLog({ level: 'info', format: 'json', cloudwatch: null, file }, { secrets: [], stdout })
    log.info('a line')
    await expect.poll(() => said).toContain('the log file failed')
    await log.close()
    expect(readFileSync(treasure, 'utf8')).toBe(TREASURE)
    expect(said).toContain('a line')
  })

  test('the lock of the database', () => {
    symlinkSync(at('elsewhere'), at('a.db.lock'))
    expect(() => lock(at('a.db'))).toThrow('a.db.lock is a symbolic link, and is not followed')
    expect(existsSync(at('elsewhere'))).toBe(false)
  })

  test('a pipe in place of who holds the database keeps nobody waiting', () => {
    const held = lock(at('a.db'))
    rmSync(at('a.db.holder'))
    execFileSync('mkfifo', [at('a.db.holder')])
    expect(() => lock(at('a.db'))).toThrow('another process, which has not said its name yet')
    held.release()
  })

  test.skipIf(!isRoot)(`the database: a link of another user is not followed, one of ours is${ONLY_ROOT}`, async () => {
    symlinkSync(at('real.db'), at('ours.db'))
    await (await openStore({ path: at('ours.db') })).close()
    expect(existsSync(at('real.db'))).toBe(true)
    symlinkSync(at('theirs'), at('theirs.db'))
    lchownSync(at('theirs.db'), ANOTHER, ANOTHER)
    await expect(openStore({ path: at('theirs.db') })).rejects.toThrow('is a symbolic link of another user')
    expect(() => lock(at('theirs.db'))).toThrow('is a symbolic link of another user')
    expect(existsSync(at('theirs'))).toBe(false)
  })

  test.skipIf(!isRoot)(`a list of old log files that another user has made deletes nothing${ONLY_ROOT}`, async () => {
    const file = { path: at('alibi.log'), maxSizeBytes: 1_000_000, keep: 1 }
    writeFileSync(at('alibi.log.audit.json'), JSON.stringify({ keep: { days: false, amount: 1 }, files: [] }))
    lchownSync(at('alibi.log.audit.json'), ANOTHER, ANOTHER)
    let said = ''
    const stdout = new Writable({
      write(chunk, _, done) {
        said += String(chunk)
        done()
      },
    })
    const log = createLog({ level: 'info', format: 'json', cloudwatch: null, file }, { secrets: [], stdout })
    log.info('a line')
    await log.close()
    expect(said).toContain('alibi.log.audit.json is no file of ours')
  })
})

describe('tighten', () => {
  test('takes from others what they may do with the database and everything beside it', async () => {
    await (await openStore({ path: at('a.db') })).close()
    for (const path of filesOf(at('a.db'))) {
      writeFileSync(path, '', { flag: 'a' })
      chmodSync(path, 0o666)
    }
    expect(tighten(filesOf(at('a.db'))).map(({ mode, stays }) => [mode, stays])).toEqual(Array(7).fill(['0666', null]))
    expect(filesOf(at('a.db')).map(modeOf)).toEqual(Array(7).fill('600'))
    expect(tighten(filesOf(at('a.db')))).toEqual([])
  })

  test('nothing that cannot be looked at is in its way', () => {
    expect(tighten([join(treasure, 'beneath-a-file'), at('x'.repeat(300))])).toEqual([])
  })

  test('leaves alone what a link leads to', () => {
    symlinkSync(treasure, at('link'))
    expect(tighten([at('link'), at('nothing')])).toEqual([])
    expect(modeOf(treasure)).toBe('644')
  })

  test.skipIf(!isRoot)(`leaves to another user what is theirs, and names it${ONLY_ROOT}`, () => {
    lchownSync(treasure, ANOTHER, ANOTHER)
    expect(tighten([treasure])).toEqual([{ path: treasure, mode: '0644', isOurs: false, stays: 'it belongs to another user' }])
    expect(modeOf(treasure)).toBe('644')
  })
})

describe('`check` names what others may read or change', () => {
  type Given = Readonly<{ more?: string; modes?: Readonly<Record<string, number>>; files?: readonly string[] }>
  const SMTP = 'mail: { from: a@b.example, smtp: { host: localhost, user: u, password: PASSWORD } }'
  const CASES: readonly (readonly [string, Given, RegExp])[] = [
    [
      'a configuration that everybody may change',
      { modes: { 'alibi.yaml': 0o666 } },
      /everybody on this machine can change .*alibi\.yaml \(mode 0666\)/,
    ],
    [
      'a configuration that holds a secret, and that everybody may read',
      { more: SMTP.replace('PASSWORD', 'hunter22'), modes: { 'alibi.yaml': 0o644 } },
      /alibi\.yaml contains a secret, and everybody on this machine can read it/,
    ],
    [
      'a secret that everybody may read',
      { more: SMTP, files: ['secret'], modes: { secret: 0o644 } },
      /everybody on this machine can read the secret in .*secret \(mode 0644\)/,
    ],
    [
      'a secret that everybody may change',
      { more: SMTP, files: ['secret'], modes: { secret: 0o602 } },
      /everybody on this machine can change the secret in .*secret \(mode 0602\)/,
    ],
    ['the database', { files: ['a.db'], modes: { 'a.db': 0o644 } }, /other users may read or write .*a\.db \(mode 0644\)/],
    [
      'what belongs to it',
      { files: ['a.db-wal'], modes: { 'a.db-wal': 0o640 } },
      /other users may read or write .*a\.db-wal \(mode 0640\)/,
    ],
    [
      'a log file',
      { more: `${mailTo('DIR')}\nlog: { file: { path: "DIR/alibi.log" } }`, files: ['alibi.log.2026-01-01'], modes: {} },
      /other users may read or write .*alibi\.log\.2026-01-01 /,
    ],
    ['the directory', { modes: { '.': 0o777 } }, /every user of this machine may write to .* and replace Alibi's files/],
  ]
  const given = ({ more = mailTo('DIR'), modes = {}, files = [] }: Given): string => {
    for (const name of files) writeFileSync(at(name), name === 'secret' ? 'hunter22' : '', { mode: 0o644 })
    const text = more.replaceAll('DIR', place).replace('PASSWORD', `"\${file:${at('secret')}}"`)
    const path = yaml(`${text}\nstorage: { path: "${at('a.db')}" }`)
    for (const [name, mode] of Object.entries(modes)) chmodSync(at(name), mode)
    return path
  }

  test.for(CASES)('%s', async ([, what, warning]) => {
    const config = given(what)
    const { code, said } = await alibi('check', '--config', config)
    expect([code, said]).toEqual([0, expect.stringMatching(warning)])
    expect(said).not.toContain('hunter22')
    const { warnings } = JSON.parse((await alibi('check', '--json', '--config', config)).said) as { warnings: string[] }
    expect(warnings).toContainEqual(expect.stringMatching(warning))
  })

  test('nothing of the kind where all is as it should be', async () => {
    const config = given({ more: SMTP, files: ['secret', 'a.db'], modes: { secret: 0o640, 'a.db': 0o600, 'alibi.yaml': 0o644 } })
    expect((await alibi('check', '--config', config)).said).not.toMatch(/every user|everybody|other users/)
  })
})
