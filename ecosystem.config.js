// pm2 loads this file with `require`: in an ES-module package only named exports are found.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('.', import.meta.url))
const own = fileURLToPath(new URL('node_modules/node/bin/node', import.meta.url))

/** Node 24 or newer, whatever Node pm2 itself runs on: ALIBI_NODE, the one that npm installed here, or pm2's own. */
const interpreter = process.env.ALIBI_NODE ?? (existsSync(own) ? own : process.execPath)

// Without this flag SIGUSR1, which many log rotation recipes send, could open Node's debugger. A Node that is too old for Alibi
// does not know the flag: leave it out, so that Alibi can start and say that Node is too old.
const isKnown = interpreter !== process.execPath || process.allowedNodeEnvironmentFlags.has('--disable-sigusr1')
const noDebugger = isKnown ? ['--disable-sigusr1'] : []

export const apps = [
  {
    name: 'alibi',
    script: 'dist/main.js',
    args: ['run', '--config', process.env.ALIBI_CONFIG || 'config/alibi.yaml'],
    cwd: root,
    interpreter,
    // What a run allocates is short-lived: a young generation with 4 MB semi-spaces saves about 20 MB that V8 would hold on to (a
    // smaller one saves no more and costs a tenth more CPU). Two malloc arenas instead of one per thread save 6 MB.
    node_args: ['--max-semi-space-size=4', ...noDebugger],
    env: { MALLOC_ARENA_MAX: '2' },
    // One instance and no cluster: a second daemon on the same database refuses to start.
    exec_mode: 'fork',
    instances: 1,
    // Ready means that the schedules are running.
    wait_ready: true,
    listen_timeout: 30_000,
    // The daemon finishes what is in progress within 10 s of SIGINT; pm2's default of 1.6 s would kill it.
    kill_timeout: 15_000,
    // A memory leak leads to a restart, which loses nothing. An outage of ten thousand accounts may take 450 MB, and is no time to restart.
    max_memory_restart: '600M',
    // A restart does not fix a faulty configuration. (Because of the back-off, pm2 7 then shows `waiting restart`, although it
    // will not restart.)
    stop_exit_codes: [78],
    // Restarts slow down, up to every 15 s, so that pm2 never gives up.
    exp_backoff_restart_delay: 1_000,
    // The log lines are JSON and carry their own time.
    merge_logs: true,
    time: false,
  },
]
