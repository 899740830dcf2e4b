// pm2 loads this file with `require`: in an ES-module package only named exports are found.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('.', import.meta.url))
const own = fileURLToPath(new URL('node_modules/node/bin/node', import.meta.url))

/** A Node ≥ 24, whatever Node pm2 itself runs on: ALIBI_NODE, the one that npm installed here, or pm2's own. */
const interpreter = process.env.ALIBI_NODE ?? (existsSync(own) ? own : process.execPath)

// Without it SIGUSR1, as sent by many a recipe for log rotation, could open Node's debugger. A Node that is too old for Alibi
// does not know it, and has to come as far as to say so.
const isKnown = interpreter !== process.execPath || process.allowedNodeEnvironmentFlags.has('--disable-sigusr1')
const noDebugger = isKnown ? ['--disable-sigusr1'] : []

export const apps = [
  {
    name: 'alibi',
    script: 'dist/main.js',
    args: ['run', '--config', process.env.ALIBI_CONFIG || 'config/alibi.yaml'],
    cwd: root,
    interpreter,
    // What a run leaves behind is short-lived: a young generation of 4 MB halves keeps some 20 MB that V8 would hold on to (a
    // smaller one keeps no more, and costs a tenth more CPU). Of malloc's arenas, one for each thread, two will do: 6 MB.
    node_args: ['--max-semi-space-size=4', ...noDebugger],
    env: { MALLOC_ARENA_MAX: '2' },
    // One instance and no cluster: a second daemon on the same database refuses to start.
    exec_mode: 'fork',
    instances: 1,
    // Ready is when the first schedule runs.
    wait_ready: true,
    listen_timeout: 30_000,
    // The daemon ends what is in flight within 10 s of SIGINT; pm2's own 1.6 s would be a kill.
    kill_timeout: 15_000,
    // A leak ends in a restart, which loses nothing. An outage of a thousand accounts alone takes some 300 MB, and is no time to restart.
    max_memory_restart: '600M',
    // A faulty configuration is for a person to mend: no restart makes it better. (Because of the back-off pm2 7 then
    // shows `waiting restart`, and yet waits for nothing.)
    stop_exit_codes: [78],
    // Ever slower, up to 15 s: never so often that pm2 gives up.
    exp_backoff_restart_delay: 1_000,
    // The log is JSON lines with their own time.
    merge_logs: true,
    time: false,
  },
]
