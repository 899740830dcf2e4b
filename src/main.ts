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
  const { main } = await import('./cli/program.ts')
  process.exitCode = await main(process.argv.slice(2))
  // Everything is closed by now. Under pm2 the channel to it, and what it put into this process, would keep us alive for ever.
  if (process.connected) process.exit()
}
