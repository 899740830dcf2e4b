import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A name beside `path` that nobody can foresee: what others may have put there, such as a link to elsewhere, is not met. */
export function draftName(path: string): string {
  return `${path}.${randomBytes(8).toString('hex')}.part`
}

/**
 * Writes a file whole or not at all, readable by its owner only. What was there under its name is replaced, also a symbolic
 * link: what that led to stays as it was. Its directory is made.
 * @param durable whether it has to survive a power cut from the moment that this resolves
 */
export async function writeWhole(path: string, content: string | Buffer, durable = true): Promise<void> {
  const directory = dirname(path)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const draft = draftName(path)
  try {
    // `wx` follows no link.
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(content)
      if (durable) await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  if (!durable) return
  // The name is durable only when the directory is.
  const folder = await open(directory, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
