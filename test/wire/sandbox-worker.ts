import { parentPort, workerData } from 'node:worker_threads'
import { startSandbox } from '../../src/sandbox/aws.ts'

/* The stand-in on a thread of its own, so that it answers while the test's thread stands still. */
const sandbox = await startSandbox()
sandbox.answer({}, { answer: 'ok', afterMs: (workerData as { afterMs: number }).afterMs })
parentPort?.postMessage(sandbox.endpoints())
