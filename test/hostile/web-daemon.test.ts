import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { isRun, stage } from '../wire/daemon-process.ts'

/** What strangers cost the daemon itself, in memory and in answers to whoever watches it. */

const ANSWER_MS = 10_000
const CONNECTIONS = 10
/** So many bytes of requests once took the daemon from 107 to 524 MB. */
const BYTES = 410_000
const WARM_PAGES = 300
const ASKED = 50

/** The memory that a process has now, in bytes. */
function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

/** Sends, and never reads what comes back. */
function pour(port: number, bytes: string): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.pause()
  socket.on('error', () => {})
  socket.write(bytes)
  return socket
}

test('requests by the thousand that nobody reads the answers of leave memory under 1.5 times, and /healthz answers', async () => {
  await using on = await stage()
  const daemon = on.daemon()
  await daemon.ready()
  await daemon.line('a run', isRun('ok'))
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${on.port}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) })
    await answer.text()
    return answer.status
  }
  // What pages cost by themselves is no stranger's doing.
  for (let i = 0; i < WARM_PAGES; i++) await ask('/')
  const before = residentBytes(daemon.pid)

  const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${on.port}\r\n\r\n`
  const bytes = request.repeat(Math.ceil(BYTES / request.length))
  let most = 0
  const look = setInterval(() => {
    most = Math.max(most, residentBytes(daemon.pid))
  }, 20)
  try {
    const statuses: number[] = []
    for (const connections of [1, CONNECTIONS, CONNECTIONS]) {
      const pouring = Array.from({ length: connections }, () => pour(on.port, bytes))
      for (let i = 0; i < ASKED; i++) statuses.push(await ask('/healthz'))
      for (const socket of pouring) socket.destroy()
    }
    expect(statuses.filter((status) => status !== 200)).toEqual([])
    await daemon.next('a run after it', isRun('ok'), 2)
  } finally {
    clearInterval(look)
  }
  expect(most / before).toBeLessThan(1.5)
})
