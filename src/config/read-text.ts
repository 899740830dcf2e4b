import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'

/** The mode of a file that only its owner can read; assumed where the system has no modes. */
export const PRIVATE = 0o600

export type ReadText = Readonly<{ ok: true; text: string; mode: number }> | Readonly<{ ok: false; why: string }>

/** Reads a regular file of UTF-8 text, or says why it cannot, to follow "the file …". Never blocks. */
export async function readText(path: string, maxBytes: number): Promise<ReadText> {
  let bytes: Buffer
  let mode: number
  try {
    // Without O_NONBLOCK, opening a pipe would wait until somebody writes to it.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = await handle.stat()
    mode = process.platform === 'win32' ? PRIVATE : stat.mode
    if (stat.isDirectory()) return { ok: false, why: 'is a directory' }
    if (!stat.isFile()) return { ok: false, why: 'is not a regular file' }
    const buffer = Buffer.alloc(maxBytes + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null)
      if (bytesRead === 0) break
      length += bytesRead
    }
    if (length > maxBytes) return { ok: false, why: `is larger than ${maxBytes / 1024} KiB` }
    bytes = buffer.subarray(0, length)
  } catch (error) {
    return { ok: false, why: unreadable(error) }
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? { ok: false, why: 'is not text: it contains a zero byte' } : { ok: true, text, mode }
  } catch {
    return { ok: false, why: 'is not UTF-8 text' }
  }
}

/**
 * Why a file must not be read by a library that reads any file: a pipe or a device would block it, and with it a thread of this
 * process. `null` for a regular file that is not too large, for /dev/null, and for what does not exist or cannot be read, which
 * the library reports itself.
 */
export async function whyUnfit(path: string, maxBytes: number): Promise<string | null> {
  if (path === '/dev/null') return null
  const found = await stat(path).catch(() => null)
  if (found === null || found.isDirectory()) return null
  if (!found.isFile()) return 'is not a regular file'
  return found.size > maxBytes ? `is larger than ${maxBytes / 1024} KiB` : null
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist'
  if (code === 'EACCES' || code === 'EPERM') return 'cannot be read by this user (no permission)'
  if (code === 'EISDIR') return 'is a directory'
  return `cannot be read (${code})`
}
