import { Command, CommanderError } from 'commander'
import { withSourceStack } from '../adapters/source-stack.ts'
import { EXIT, Exit } from './exit.ts'
import { guarded, type Io, processIo } from './io.ts'
import { fold } from './table.ts'
import { VERSION } from './version.ts'

/** Without --config and ALIBI_CONFIG. */
const DEFAULT_CONFIG = 'config/alibi.yaml'

/** Runs the command that the arguments name. Never throws: every error becomes a message and an exit code. */
export async function main(argv: readonly string[], given: Io = processIo): Promise<number> {
  const io = guarded(given)
  let code: number = EXIT.ok
  const program = build(io, (result) => {
    code = result
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    if (error instanceof Exit) {
      io.err(fold(error.message, io.columns))
      return error.code
    }
    withSourceStack(error)
    io.err(`alibi: internal error: ${error instanceof Error ? error.message : String(error)}`)
    io.err(
      io.env['ALIBI_DEBUG'] === undefined
        ? 'Set ALIBI_DEBUG=1 to see the stack trace.'
        : String(error instanceof Error ? error.stack : error),
    )
    return EXIT.internal
  }
}

/** What every command needs to know of the program: how it prints, and whom it gives its exit code. */
type Context = Readonly<{ io: Io; configPath: string; done: (code: number) => void }>

/**
 * All commands with their arguments and options; `done` gets the exit code. A command's own file is imported when the command
 * runs, so that `--help` does not have to load the AWS SDK.
 */
export function build(io: Io, done: (code: number) => void): Command {
  const program = new Command('alibi')
    .description('Monitors the AWS Account Management API and emails you only when AWS Health does not explain a failure.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text.trimEnd()), writeErr: (text) => io.err(text.trimEnd()) })
    .showHelpAfterError('(see alibi --help)')
  // ecosystem.config.js reads the same variable: commands and daemon use the same file.
  const context: Context = { io, configPath: io.env['ALIBI_CONFIG'] || DEFAULT_CONFIG, done }
  addDaemon(program, context)
  addProbing(program, context)
  addIncidents(program, context)
  addOutbox(program, context)
  addSilences(program, context)
  addMail(program, context)
  addFiles(program, context)
  addDemonstrations(program, context)
  return program
}

type Description = Readonly<{ name: string; says: string; example: string }>

function add(parent: Command, { name, says, example }: Description): Command {
  return parent.command(name).description(says).addHelpText('after', `\nExample:\n  ${example}`)
}

function withConfig(command: Command, { configPath }: Context): Command {
  return command.option('-c, --config <file>', 'configuration file; ALIBI_CONFIG sets another default', configPath)
}

function withJson(command: Command): Command {
  return command.option('--json', 'output JSON')
}

function addDaemon(program: Command, context: Context): void {
  const { io, done } = context
  const run = add(program, {
    name: 'run',
    says: 'Run the daemon in the foreground.',
    example: 'alibi run --config config/alibi.yaml',
  })
  withConfig(run, context).action(async (options) => {
    const { run } = await import('./run.ts')
    done(await run(options, io))
  })
  const check = add(program, {
    name: 'check',
    says: 'Check the configuration: report what it contains, or every error with line and column.',
    example: 'alibi check --live',
  })
  withJson(withConfig(check, context))
    .option('--live', 'also test credentials, operations, AWS Health, control host, email, disk and clock')
    .action(async (options) => {
      const { check } = await import('./check.ts')
      done(await check(options, io))
    })
}

function addProbing(program: Command, context: Context): void {
  const { io, done } = context
  const probe = add(program, {
    name: 'probe',
    says: 'Run every probe once, now. Exits with 1 if a failure is unexplained, 2 if explained, 3 if undetermined.',
    example: 'alibi probe production --json',
  })
  withJson(withConfig(probe, context))
    .argument('[monitor]', 'only the probes of this monitor')
    .action(async (monitor, options) => {
      const { probe } = await import('./probe.ts')
      done(await probe(monitor, options, io))
    })
  const health = add(program, {
    name: 'health',
    says: 'Show what AWS Health reports, and whether that would explain a failure of the Account API.',
    example: 'alibi health',
  })
  withJson(withConfig(health, context))
    .option('--at <time>', 'show what was known at that time, such as 2025-10-20T07:15:00Z')
    .action(async (options) => {
      const { health } = await import('./health.ts')
      done(await health(options, io))
    })
}

function addIncidents(program: Command, context: Context): void {
  const { io, done } = context
  const list = add(program, {
    name: 'incidents',
    says: 'List incidents, newest first.',
    example: 'alibi incidents --patterns',
  })
  withJson(withConfig(list, context))
    .option('--patterns', 'show when, where and how they cluster instead')
    .action(async (options) => {
      const { incidents } = await import('./incidents.ts')
      done(await incidents(options, io))
    })
  const explain = add(program, {
    name: 'explain',
    says: 'Show one incident in full: every decision, the evidence and the emails.',
    example: 'alibi explain a3f9c0de51b27764',
  })
  withJson(withConfig(explain, context))
    .argument('<incident>', 'incident id, as shown by `alibi incidents`')
    .option('--support-case', 'print subject and body of a case for AWS Support instead')
    .action(async (id, options) => {
      const { explain } = await import('./explain.ts')
      done(await explain(id, options, io))
    })
  const acknowledge = add(program, {
    name: 'ack',
    says: 'Acknowledge an incident: stops reminders and escalation.',
    example: 'alibi ack a3f9c0de51b27764 --reason "on it"',
  })
  withConfig(acknowledge, context)
    .argument('<incident>', 'incident id, as shown by `alibi incidents`')
    .option('--reason <text>', 'a note for your colleagues')
    .action(async (id, options) => {
      const { acknowledge } = await import('./acknowledgement.ts')
      done(await acknowledge(id, options, io))
    })
}

function addOutbox(program: Command, context: Context): void {
  const { io, done } = context
  const outbox = program.command('outbox').description('List, retry and discard queued emails.')
  const list = add(outbox, {
    name: 'list',
    says: 'List emails that are due, being retried or refused.',
    example: 'alibi outbox list',
  })
  withJson(withConfig(list, context)).action(async (options) => {
    const { outboxList } = await import('./outbox.ts')
    done(await outboxList(options, io))
  })
  const retry = add(outbox, { name: 'retry', says: 'Retry queued emails now.', example: 'alibi outbox retry --all' })
  withConfig(retry, context)
    .argument('[ids...]', 'email ids, as shown by `alibi outbox list`')
    .option('--all', 'every queued or refused email')
    .action(async (ids, options) => {
      const { outboxRetry } = await import('./outbox.ts')
      done(await outboxRetry(ids, options, io))
    })
  const drop = add(outbox, { name: 'drop', says: 'Discard queued emails.', example: 'alibi outbox drop 5f0c….1.9a2b…' })
  withConfig(drop, context)
    .argument('[ids...]', 'email ids, as shown by `alibi outbox list`')
    .option('--all', 'every queued or refused email')
    .action(async (ids, options) => {
      const { outboxDrop } = await import('./outbox.ts')
      done(await outboxDrop(ids, options, io))
    })
}

function addSilences(program: Command, context: Context): void {
  const { io, done } = context
  const silence = program.command('silence').description('Manage silences.')
  const create = add(silence, {
    name: 'add',
    says: 'Withhold alerts for a while, from now on or as planned. Options that name probes narrow each other; without any, all are covered.',
    example: 'alibi silence add --for 2h --reason "database move" --account 111122223333',
  })
  withConfig(create, context)
    .requiredOption('--for <duration>', 'how long, such as 2h')
    .requiredOption('--reason <text>', 'why, for your colleagues')
    .option('--from <time>', 'when it begins, such as 2026-03-02T22:00:00Z; default: now')
    .option('--monitor <name...>', 'only these monitors')
    .option('--account <id...>', 'only these accounts: twelve digits, or self')
    .option('--operation <name...>', 'only these operations, such as GetContactInformation or dynamodb:DescribeTable')
    .option('--region <name...>', 'only other services than Account, in these regions')
    .option('--by <name>', 'who orders it; default: the user at this terminal')
    .action(async (options) => {
      const { silenceAdd } = await import('./silences.ts')
      done(await silenceAdd(options, io))
    })
  const list = add(silence, { name: 'list', says: 'List the silences in force and planned.', example: 'alibi silence list' })
  withJson(withConfig(list, context)).action(async (options) => {
    const { silenceList } = await import('./silences.ts')
    done(await silenceList(options, io))
  })
  const remove = add(silence, {
    name: 'remove',
    says: 'End a silence early, or take back one that is planned.',
    example: 'alibi silence remove 1a2b3c4d',
  })
  withConfig(remove, context)
    .argument('<id>', 'silence id, as shown by `alibi silence list`')
    .action(async (id, options) => {
      const { silenceRemove } = await import('./silences.ts')
      done(await silenceRemove(id, options, io))
    })
}

function addMail(program: Command, context: Context): void {
  const { io, done } = context
  const mail = program.command('mail').description('Test and preview email.')
  const test = add(mail, {
    name: 'test',
    says: 'Send a test email to every recipient, the way alerts are sent, and show the server’s reply.',
    example: 'alibi mail test',
  })
  withConfig(test, context)
    .option('--to <recipient>', 'only this recipient')
    .action(async (options) => {
      const { mailTest } = await import('./mail-test.ts')
      done(await mailTest(options, io))
    })
  const preview = add(mail, {
    name: 'preview',
    says: 'Write every kind of email, with invented facts, as .eml, .txt and .html files. Sends nothing.',
    example: 'alibi mail preview --out /tmp/emails',
  })
  withConfig(preview, context)
    .requiredOption('--out <directory>', 'where to write the files')
    .action(async (options) => {
      const { mailPreview } = await import('./mail-preview.ts')
      done(await mailPreview(options, io))
    })
}

function addFiles(program: Command, context: Context): void {
  const { io, done } = context
  const policy = add(program, {
    name: 'iam-policy',
    says: 'Print the least IAM policy that the configuration needs.',
    example: 'alibi iam-policy > policy.json',
  })
  withJson(withConfig(policy, context)).action(async (options) => {
    const { iamPolicy } = await import('./iam-policy.ts')
    done(await iamPolicy(options, io))
  })
  const migrate = add(program, {
    name: 'migrate',
    says: 'Move an SQLite database into the empty PostgreSQL schema of the configuration (storage.postgres).',
    example: 'alibi migrate --from data/alibi.db',
  })
  withConfig(migrate, context)
    .requiredOption('--from <file>', 'the SQLite database; no daemon may be running on it')
    .action(async (options) => {
      const { migrate } = await import('./migrate.ts')
      done(await migrate(options, io))
    })
  const schema = add(program, {
    name: 'schema',
    says: 'Print the JSON Schema of the configuration, for editors.',
    example: 'alibi schema > alibi.schema.json',
  })
  schema.option('--scenario', 'that of scenario files instead').action(async ({ scenario }) => {
    const { configSchema } = await import('../config/json-schema.ts')
    const { scenarioSchema } = await import('../simulate/json-schema.ts')
    io.out(JSON.stringify(scenario === true ? scenarioSchema() : configSchema(), null, 2))
  })
}

function addDemonstrations(program: Command, { io, done }: Context): void {
  const simulate = add(program, {
    name: 'simulate',
    says: 'Play scenario files on a virtual clock. Exits with 1 if an expectation fails.',
    example: 'alibi simulate config/scenarios/aws-speaks-late.yaml',
  })
  withJson(simulate)
    .argument('<files...>', 'scenario files')
    .option('-c, --config <file>', 'use the monitors and policies of this file, not those of the scenario')
    .option('--mails <directory>', 'where to write the emails')
    .action(async (files, options) => {
      const { runSimulate } = await import('./simulate.ts')
      done(await runSimulate(files, options, io))
    })
  const demo = add(program, {
    name: 'demo',
    says: 'Show the real daemon at work, with a stand-in for AWS and a mailbox on this machine.',
    example: 'alibi demo',
  })
  demo.option('--keep <directory>', 'where to leave the emails and the log').action(async (options) => {
    const { demo } = await import('./demo.ts')
    done(await demo(options, io))
  })
}
