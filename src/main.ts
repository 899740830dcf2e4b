#!/usr/bin/env node
// What pm2, npm and people start. Nothing is imported before Node's version is known: an older Node would end in a crash.
const MIN_NODE = 24

if (Number(process.versions.node.split('.')[0]) < MIN_NODE) {
  process.stderr.write(
    `alibi needs Node ${MIN_NODE} or newer, and this is Node ${process.versions.node} (${process.execPath}). ` +
      'Under pm2 set `interpreter` in ecosystem.config.js; in a clone `npm start` brings its own.\n',
  )
  process.exitCode = 69
} else {
  const isDaemon = process.argv[2] === 'run'
  // Node opens its debugger on a port of this machine when it gets SIGUSR1, unless somebody listens for the signal: whoever
  // reached the port could then run code as Alibi. (Started with --disable-sigusr1 it does not get that signal at all.)
  process.on('SIGUSR1', () => {})
  // A reload that is asked for while we still begin must not end us: the configuration is not read yet, so nothing is missed.
  if (isDaemon) for (const signal of ['SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => {})
  // The configuration says whether all that is printed is JSON, and it is not read yet.
  if (isDaemon) (await import('./adapters/standard-streams.ts')).holdOutput()
  // What a run leaves behind is short-lived. V8 would let it pile up in a young generation that grows to 32 MB and more, and
  // from there into the memory that an unhurried process keeps. pm2 and systemd start us with a bound for it; where nobody
  // has set one it does not grow at all, which is all that can still be said now.
  if (!`${process.execArgv.join(' ')} ${process.env['NODE_OPTIONS'] ?? ''}`.includes('semi-space')) {
    const { setFlagsFromString } = await import('node:v8')
    setFlagsFromString('--semi-space-growth-factor=1')
  }
  const { main } = await import('./cli/program.ts')
  const { homedir } = await import('node:os')
  try {
    homedir()
  } catch {
    // A user whom the system does not know: the SDK would fail each call, looking for its files, whatever the credentials.
    process.env['HOME'] = '/nonexistent'
  }
  if (!isDaemon) (await import('./cli/output-errors.ts')).watchOutput()
  const code = await main(process.argv.slice(2))
  process.exitCode ??= code // It is set already where the output could not be written.
  // Everything is closed by now. Under pm2 the channel to it, and what it put into this process, would keep us alive for ever.
  if (process.connected) process.exit()
}
