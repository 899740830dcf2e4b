import { EXIT } from './exit.ts'

const NOT_WRITTEN = 'alibi: what there is to say could not be written'

/**
 * What becomes of a verb whose output goes nowhere. A reader that went away (`| head -1`) has seen what it wanted: the verb goes
 * on in silence and ends with its own code. A disk that is full is told in one line, and ends it with 70 whatever it found: a
 * code of the verb's would say that its answer is there. Only for verbs: the daemon's log has ways of its own.
 */
export function watchOutput(): void {
  let isSaid = false
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EPIPE') return
      process.exitCode = EXIT.fault
      if (isSaid || stream === process.stderr) return
      isSaid = true
      process.stderr.write(`${NOT_WRITTEN}: ${cause.message}\n`)
    })
  }
}
