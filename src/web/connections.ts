import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Beyond this number a new connection takes the place of the one that has been idle longest. */
export const MAX_CONNECTIONS = 100
/** Unanswered requests of a connection before we stop reading from it: browsers and monitoring tools have one. */
export const MAX_UNANSWERED = 4
/** Node parses whatever it has read in one go, up to 64 KiB. In chunks of this size that is a few requests, not thousands. */
const CHUNK_BYTES = 512

type Queue = {
  /** One answer is being made. The next one is begun when it has been sent, so that none is made that nobody reads. */
  isAnswering: boolean
  readonly waiting: (() => void)[]
}

/**
 * The open connections, from the one that has been idle longest. Silent and slow clients lose their place to new ones: a
 * monitoring tool that asks for `/healthz` gets its answer, however many connections there are that ask for nothing.
 */
export class Connections {
  readonly #open = new Map<Socket, Queue>()

  /** To be called after Node's own server has taken the connection. */
  admit(socket: Socket): void {
    if (this.#open.size >= MAX_CONNECTIONS) this.#drop(this.#slowest())
    const queue: Queue = { isAnswering: false, waiting: [] }
    this.#open.set(socket, queue)
    socket.once('close', () => this.#open.delete(socket))
    inChunks(socket, () => queue.waiting.length < MAX_UNANSWERED)
  }

  /** Has a request answered when those before it on the same connection have been. */
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
    // It has just read an answer or sent a request: it goes to the end of the queue.
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

/** Puts itself in front of Node's parser, which then gets small chunks, and none while there is no room for more requests. */
function inChunks(socket: Socket, hasRoom: () => boolean): void {
  const parsers = socket.listeners('data')
  socket.removeAllListeners('data')
  socket.on('data', (read: Buffer) => {
    for (let at = 0; at < read.length && !socket.destroyed; at += CHUNK_BYTES) {
      // Node itself pauses when a client does not read.
      if (!hasRoom() || socket.isPaused()) {
        socket.pause()
        socket.unshift(read.subarray(at))
        return
      }
      for (const parse of parsers) parse.call(socket, read.subarray(at, at + CHUNK_BYTES))
    }
  })
}
