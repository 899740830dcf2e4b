#!/usr/bin/env node
// What pm2, npm and people start. Nothing is imported before Node's version has been checked: an older Node would crash.
const MIN_NODE = 24

if (Number(process.versions.node.split('.')[0]) < MIN_NODE) {
  process.stderr.write(
    `alibi needs Node ${MIN_NODE} or newer, and this is Node ${process.versions.node} (${process.execPath}). ` +
      'Under pm2 set `interpreter` in ecosystem.config.js; in a clone `npm start` brings its own.\n',
  )
  process.exitCode = 69
} else {
  const isDaemon = process.argv[2] === 'run'
  // At SIGUSR1 Node opens its debugger on a local port, unless somebody listens for the signal. Whoever can reach that port could run
  // code as Alibi. (Started with --disable-sigusr1, Node does not do so at all.)
  process.on('SIGUSR1', () => {})
  // A SIGHUP during the start must not end the process. The configuration has not been read yet, so nothing is missed.
  if (isDaemon) for (const signal of ['SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => {})
  // The configuration says whether output is JSON, and it has not been read yet.
  if (isDaemon) (await import('./adapters/standard-streams.ts')).holdOutput()
  // What a run allocates is short-lived. V8 would let it pile up in a young generation that grows to 32 MB and more. pm2 and
  // systemd start Alibi with a limit for it. If nobody has set one, all that can still be done here is not to let it grow.
  if (!`${process.execArgv.join(' ')} ${process.env['NODE_OPTIONS'] ?? ''}`.includes('semi-space')) {
    const { setFlagsFromString } = await import('node:v8')
    setFlagsFromString('--semi-space-growth-factor=1')
  }
  const { main } = await import('./cli/program.ts')
  const { homedir } = await import('node:os')
  try {
    homedir()
  } catch {
    // The system does not know this user: the SDK would look for its files and fail every call, whatever the credentials.
    process.env['HOME'] = '/nonexistent'
  }
  if (!isDaemon) (await import('./cli/output-errors.ts')).watchOutput()
  const code = await main(process.argv.slice(2))
  process.exitCode ??= code // It is set already if the output could not be written.
  // Everything is closed by now. Under pm2, the channel to it would keep the process alive forever.
  if (process.connected) process.exit()
}
