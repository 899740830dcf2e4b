import { EXIT } from './exit.ts'

const NOT_WRITTEN = 'alibi: failed to write the output'

/**
 * Handles errors of standard output and standard error, for every command but `run`, whose log has its own handling. A reader
 * that goes away (`| head -1`) has seen what it wanted: the command goes on silently and keeps its exit code. If the output
 * cannot be written, because the disk is full, that is one line on standard error and exit code 70: the command's own code
 * would say that its answer is there.
 */
export function watchOutput(): void {
  let isReported = false
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EPIPE') return
      process.exitCode = EXIT.internal
      if (isReported || stream === process.stderr) return
      isReported = true
      process.stderr.write(`${NOT_WRITTEN}: ${cause.message}\n`)
    })
  }
}
