import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'

/** The mode of a file that nobody but its owner may read, where modes say nothing. */
export const PRIVATE = 0o600

export type ReadText = Readonly<{ ok: true; text: string; mode: number }> | Readonly<{ ok: false; why: string }>

/** A regular file of UTF-8 text, of at most so many bytes; or why not, to go on after "the configuration …". Never waits. */
export async function readText(path: string, maxBytes: number): Promise<ReadText> {
  let bytes: Buffer
  let mode: number
  try {
    // Without O_NONBLOCK the opening of a pipe would wait for somebody to write into it.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = await handle.stat()
    mode = process.platform === 'win32' ? PRIVATE : stat.mode
    if (stat.isDirectory()) return { ok: false, why: 'is a directory' }
    if (!stat.isFile()) return { ok: false, why: 'is no regular file' }
    const buffer = Buffer.alloc(maxBytes + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null)
      if (bytesRead === 0) break
      length += bytesRead
    }
    if (length > maxBytes) return { ok: false, why: `is too large: at most ${maxBytes / 1024} KiB are read` }
    bytes = buffer.subarray(0, length)
  } catch (error) {
    return { ok: false, why: unreadable(error) }
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? { ok: false, why: 'is no text: it holds a zero byte' } : { ok: true, text, mode }
  } catch {
    return { ok: false, why: 'is no UTF-8 text' }
  }
}

/**
 * Why a file must not be handed to a library that reads it as it is: a pipe or a device would keep it waiting, and a thread of
 * the process with it. `null` for a regular file of at most so many bytes, for /dev/null, and for what is not there or cannot be
 * read at all, which the library notices itself.
 */
export async function whyUnfit(path: string, maxBytes: number): Promise<string | null> {
  if (path === '/dev/null') return null
  const found = await stat(path).catch(() => null)
  if (found === null || found.isDirectory()) return null
  if (!found.isFile()) return 'is no regular file'
  return found.size > maxBytes ? `is too large: at most ${maxBytes / 1024} KiB are read` : null
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist'
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user'
  if (code === 'EISDIR') return 'is a directory'
  return `cannot be read (${code})`
}
