import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to PostgreSQL that can go wrong. */
export type FaultyLine = Readonly<{
  /** The same URL by way of this proxy. */
  url: string
  /** Cuts every connection; the next ones work. */
  cut(): void
  /** From now on nothing passes in either direction, and no connection is ended, until `heal`. */
  blackHole(): void
  heal(): void
  /** The next COMMIT after a statement with this text arrives, and its connection is cut before the answer gets through. */
  swallowAnswerToCommit(after: string): Promise<void>
  /** Resolves when a statement with this text arrives here: it is held, and nothing passes any more until `heal`. */
  holdAt(text: string): Promise<void>
  close(): Promise<void>
}>

export async function startProxy(url: string): Promise<FaultyLine> {
  const target = new URL(url)
  const pairs = new Set<readonly [Socket, Socket]>()
  let isHole = false
  let hold: { text: string; reached: () => void } | null = null
  let trap: { after: string; seenOn: Socket | null; sprung: () => void } | null = null
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname)
    const pair = [client, upstream] as const
    pairs.add(pair)
    const end = () => {
      pairs.delete(pair)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of pair) socket.on('error', end).on('close', () => isHole || end())
    let isSwallowing = false
    client.on('data', (chunk) => {
      if (isHole) return
      const text = chunk.toString('latin1')
      if (hold !== null && text.includes(hold.text)) {
        isHole = true
        hold.reached()
        hold = null
        return
      }
      if (trap?.seenOn === null && text.includes(trap.after)) trap.seenOn = client
      if (trap?.seenOn === client && text.includes('COMMIT')) {
        isSwallowing = true
        // Its effect shows on another connection; here there is no answer.
        upstream.once('data', () => {
          trap?.sprung()
          trap = null
          end()
        })
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (!isHole && !isSwallowing) client.write(chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const through = new URL(url)
  through.port = String(address !== null && typeof address === 'object' ? address.port : 0)
  through.hostname = '127.0.0.1'
  const cut = () => {
    for (const [client, upstream] of pairs) {
      client.destroy()
      upstream.destroy()
    }
    pairs.clear()
  }
  return {
    url: through.href,
    cut,
    blackHole() {
      isHole = true
    },
    heal() {
      isHole = false
      cut()
    },
    swallowAnswerToCommit: (after) =>
      new Promise((resolve) => {
        trap = { after, seenOn: null, sprung: resolve }
      }),
    holdAt: (text) =>
      new Promise((resolve) => {
        hold = { text, reached: resolve }
      }),
    async close() {
      server.close()
      cut()
    },
  }
}
