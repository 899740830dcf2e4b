import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Beyond so many, a new connection takes the place of the one that has kept us waiting longest. */
export const MAX_CONNECTIONS = 100
/** Requests that a connection may have unanswered before we stop reading from it: browsers and monitors have one. */
export const MAX_UNANSWERED = 4
/** Node parses at once what it has read at once, up to 64 KiB. In pieces of this size that is a few requests, not thousands. */
const PIECE_BYTES = 512

type Queue = {
  /** One answer is in the making; the next begins when it is sent, so that nothing is made that nobody reads. */
  isAnswering: boolean
  readonly waiting: (() => void)[]
}

/**
 * Who is connected, from the one that has kept us waiting longest. Silent and slow clients lose their place to whoever comes:
 * a monitor that asks for `/healthz` gets its answer, however many connections there are that ask for nothing.
 */
export class Connections {
  readonly #open = new Map<Socket, Queue>()

  /** To be told of a connection after Node's own server was. */
  admit(socket: Socket): void {
    if (this.#open.size >= MAX_CONNECTIONS) this.#drop(this.#slowest())
    const queue: Queue = { isAnswering: false, waiting: [] }
    this.#open.set(socket, queue)
    socket.once('close', () => this.#open.delete(socket))
    inPieces(socket, () => queue.waiting.length < MAX_UNANSWERED)
  }

  /** Has a request answered after those that came before it on the same connection. */
  answer({ socket }: IncomingMessage, response: ServerResponse, begin: () => void): void {
    const queue = this.#open.get(socket)
    if (queue === undefined) return
    response.once('close', () => {
      queue.isAnswering = false
      this.#next(socket, queue)
    })
    queue.waiting.push(begin)
    if (!queue.isAnswering) this.#next(socket, queue)
  }

  #next(socket: Socket, queue: Queue): void {
    if (!this.#open.delete(socket)) return
    // It has just read an answer or sent a request: it goes to the end of the line.
    this.#open.set(socket, queue)
    const begin = queue.waiting.shift()
    if (begin === undefined) return
    queue.isAnswering = true
    begin()
    socket.resume()
  }

  #slowest(): Socket | undefined {
    for (const [socket, { isAnswering }] of this.#open) if (!isAnswering) return socket
    return this.#open.keys().next().value
  }

  #drop(socket: Socket | undefined): void {
    if (socket === undefined) return
    this.#open.delete(socket)
    socket.destroy()
  }
}

/** Puts itself before Node's parser: it gets what was read in small pieces, and none while there is no room for more requests. */
function inPieces(socket: Socket, hasRoom: () => boolean): void {
  const parsers = socket.listeners('data')
  socket.removeAllListeners('data')
  socket.on('data', (read: Buffer) => {
    for (let at = 0; at < read.length && !socket.destroyed; at += PIECE_BYTES) {
      // Node's own reason to pause is a client that does not read.
      if (!hasRoom() || socket.isPaused()) {
        socket.pause()
        socket.unshift(read.subarray(at))
        return
      }
      for (const parse of parsers) parse.call(socket, read.subarray(at, at + PIECE_BYTES))
    }
  })
}
