import { Command, CommanderError } from 'commander'
import { EXIT, Exit } from './exit.ts'
import { guarded, type Io, processIo } from './io.ts'
import { fold } from './table.ts'
import { VERSION } from './version.ts'

/** Without --config and ALIBI_CONFIG. */
const DEFAULT_CONFIG = 'config/alibi.yaml'

/** argv → verb → exit code. Nothing is thrown, and nobody but maintainers is shown a stack trace. */
export async function main(argv: readonly string[], given: Io = processIo): Promise<number> {
  const io = guarded(given)
  let code: number = EXIT.well
  const program = build(io, (result) => {
    code = result
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.well : EXIT.usage
    if (error instanceof Exit) {
      io.err(fold(error.message, io.columns))
      return error.code
    }
    io.err(`alibi: a fault of Alibi's own: ${error instanceof Error ? error.message : String(error)}`)
    io.err(
      io.env['ALIBI_DEBUG'] === undefined ? 'ALIBI_DEBUG=1 shows where.' : String(error instanceof Error ? error.stack : error),
    )
    return EXIT.fault
  }
}

/**
 * The verbs, their arguments and options; `done` is told a verb's exit code. Each verb is imported when it is called: `--help`
 * and a misspelt option wait for no SDK.
 */
export function build(io: Io, done: (code: number) => void): Command {
  const program = new Command('alibi')
    .description('Watches the AWS Account Management API and mails you only when AWS has no alibi.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text.trimEnd()), writeErr: (text) => io.err(text.trimEnd()) })
    .showHelpAfterError('(alibi --help shows what there is)')
  const verb = (parent: Command, name: string, says: string, example: string) =>
    parent.command(name).description(says).addHelpText('after', `\nExample:\n  ${example}`)
  // As ecosystem.config.js reads it: what the daemon runs with is what every verb speaks of.
  const config = io.env['ALIBI_CONFIG'] || DEFAULT_CONFIG
  const withConfig = (command: Command) =>
    command.option('-c, --config <file>', 'the configuration; without it the one that ALIBI_CONFIG names', config)
  const withoutConfig = (command: Command) =>
    command.option('-c, --config <file>', 'as every verb takes it; this one needs none and does not look at it')
  const listing = (command: Command) => withConfig(command).option('--json', 'for machines')

  withConfig(
    verb(program, 'run', 'The daemon, in the foreground; pm2 keeps it running.', 'alibi run --config config/alibi.yaml'),
  ).action(async (options) => {
    const { run } = await import('./run.ts')
    done(await run(options, io))
  })
  listing(
    verb(
      program,
      'check',
      'Reads the configuration and says what it found, or each fault with line and column.',
      'alibi check --live',
    ),
  )
    .option('--live', 'try credentials, operations, AWS Health, control host, mail, disk and clock')
    .action(async (options) => {
      const { check } = await import('./check.ts')
      done(await check(options, io))
    })
  listing(
    verb(
      program,
      'probe',
      'Every probe once, now. Exit 1 if one fails unexplained, 2 explained, 3 undetermined.',
      'alibi probe production --json',
    ),
  )
    .argument('[monitor]', 'only this monitor')
    .action(async (monitor, options) => {
      const { probe } = await import('./probe.ts')
      done(await probe(monitor, options, io))
    })
  listing(
    verb(
      program,
      'health',
      'What AWS Health says now, what would explain an Account failure, and the near misses.',
      'alibi health',
    ),
  )
    .option('--at <time>', 'what was known then, from the record, such as 2025-10-20T07:15:00Z')
    .action(async (options) => {
      const { health } = await import('./health.ts')
      done(await health(options, io))
    })
  listing(verb(program, 'incidents', 'The incidents, newest first.', 'alibi incidents --patterns'))
    .option('--patterns', 'when, where and how they cluster instead')
    .action(async (options) => {
      const { incidents } = await import('./stored.ts')
      done(await incidents(options, io))
    })
  const outbox = program.command('outbox').description('Mail that is owed, stuck or refused.')
  listing(verb(outbox, 'list', 'What is owed, stuck or refused.', 'alibi outbox list')).action(async (options) => {
    const { outboxList } = await import('./stored.ts')
    done(await outboxList(options, io))
  })
  for (const [name, says, example] of [
    ['retry', 'Tries mails again at once.', 'alibi outbox retry --all'],
    ['drop', 'Gives mails up.', 'alibi outbox drop 5f0c….1.9a2b…'],
  ] as const) {
    withConfig(verb(outbox, name, says, example))
      .argument('[ids...]', 'as `alibi outbox list` shows them')
      .option('--all', 'all that are owed or refused')
      .action(async (ids, options) => {
        const { outboxDrop, outboxRetry } = await import('./orders.ts')
        done(await (name === 'retry' ? outboxRetry : outboxDrop)(ids, options, io))
      })
  }
  const silence = program.command('silence').description('Mails that are not wanted for a while, for a reason.')
  withConfig(
    verb(
      silence,
      'add',
      'Withholds mails, of one monitor or of all.',
      'alibi silence add --for 2h --reason "planned" --monitor production',
    ),
  )
    .requiredOption('--for <duration>', 'how long, such as 2h')
    .requiredOption('--reason <text>', 'why')
    .option('--monitor <name>', 'only this monitor')
    .action(async (options) => {
      const { silenceAdd } = await import('./orders.ts')
      done(await silenceAdd(options, io))
    })
  listing(verb(silence, 'list', 'The silences that last.', 'alibi silence list')).action(async (options) => {
    const { silenceList } = await import('./orders.ts')
    done(await silenceList(options, io))
  })
  withConfig(verb(silence, 'remove', 'Takes a silence back.', 'alibi silence remove 1a2b3c4d'))
    .argument('<id>', 'as `alibi silence list` shows it')
    .action(async (id, options) => {
      const { silenceRemove } = await import('./orders.ts')
      done(await silenceRemove(id, options, io))
    })
  withConfig(
    verb(
      program,
      'ack',
      'Somebody knows of it: no more reminders and no escalation.',
      'alibi ack a3f9c0de51b27764 --reason "on it"',
    ),
  )
    .argument('<incident>', 'its id')
    .option('--reason <text>', 'for the others')
    .action(async (id, options) => {
      const { ack } = await import('./orders.ts')
      done(await ack(id, options, io))
    })
  listing(verb(program, 'explain', 'One incident’s whole story, with its evidence.', 'alibi explain a3f9c0de51b27764'))
    .argument('<incident>', 'its id')
    .option('--support-case', 'subject and body of a case for AWS Support instead')
    .action(async (id, options) => {
      const { explain } = await import('./explain.ts')
      done(await explain(id, options, io))
    })
  verb(
    program,
    'simulate',
    'Plays scenario files by the real engine on a virtual clock. Exit 1 if an expectation fails.',
    'alibi simulate config/scenarios/aws-speaks-late.yaml',
  )
    .argument('<files...>', 'scenario files')
    .option('-c, --config <file>', 'play against these monitors and policies; default: the scenario’s own over the simulator’s')
    .option('--json', 'for machines')
    .option('--mails <directory>', 'where the mails are left')
    .action(async (files, options) => {
      const { runSimulate } = await import('./simulate.ts')
      done(await runSimulate(files, options, io))
    })
  const mail = program.command('mail').description('The way that mails go.')
  withConfig(
    verb(mail, 'test', 'One real mail to every recipient, through the real path, with the server’s reply.', 'alibi mail test'),
  )
    .option('--to <recipient>', 'only this recipient')
    .action(async (options) => {
      const { mailTest } = await import('./mail-test.ts')
      done(await mailTest(options, io))
    })
  withConfig(
    verb(
      mail,
      'preview',
      'Every kind of mail from invented facts, as .eml, .txt and .html. Sends nothing.',
      'alibi mail preview --out /tmp/mails',
    ),
  )
    .requiredOption('--out <directory>', 'where they are written')
    .action(async (options) => {
      const { mailPreview } = await import('./mail-preview.ts')
      done(await mailPreview(options, io))
    })
  listing(
    verb(program, 'iam-policy', 'The least IAM policy that this configuration needs.', 'alibi iam-policy > policy.json'),
  ).action(async (options) => {
    const { iamPolicy } = await import('./iam-policy.ts')
    done(await iamPolicy(options, io))
  })
  withoutConfig(verb(program, 'schema', 'The JSON Schema of the configuration.', 'alibi schema > alibi.schema.json')).action(
    async () => {
      const { configSchema } = await import('../config/json-schema.ts')
      io.out(JSON.stringify(configSchema(), null, 2))
    },
  )
  withoutConfig(
    verb(program, 'demo', 'The real daemon against a stand-in for AWS and a mailbox: a short story, told here.', 'alibi demo'),
  )
    .option('--keep <directory>', 'where the mails are left', undefined)
    .action(async (options) => {
      const { demo } = await import('./demo.ts')
      done(await demo(options, io))
    })
  return program
}
