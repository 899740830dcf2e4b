import * as z from 'zod'
import { MAX_ACCOUNT_NAME, readName } from '../domain/account-names.ts'
import { MAX_ACCOUNTS } from './monitor-schema.ts'
import { flag, line, strict } from './values.ts'

const NamedAccount = line('`self` or twelve digits in quotes', { pattern: /^(?:self|\d{12})$/ })

/** As it will be shown. */
const AccountName = line('the name of the account', { max: MAX_ACCOUNT_NAME }).refine(
  (text) => readName(text) === text,
  'expected the name of the account, with visible characters and single spaces only',
)

const tooMany = `expected at most ${MAX_ACCOUNTS} accounts`

export const AccountsSchema = strict(
  {
    names: z
      .union(
        [flag(), z.record(NamedAccount, AccountName).refine((names) => Object.keys(names).length <= MAX_ACCOUNTS, tooMany)],
        'expected `true`, or a mapping of accounts in quotes to their names',
      )
      .prefault(false)
      .describe(
        "Shows accounts' names beside their ids in emails, on the page, in `incidents` (`--patterns`, too) and in `explain`. `true`: as the organization's list has them, for monitors that discover their accounts (it takes no further permission). A mapping such as `{ '111122223333': payments }`: these names; `self` is the credentials' own account, unless a role says which one that is. Names are then stored in the database as well, never in the log.",
      ),
  },
  ' (which accounts are probed is in `monitors[].accounts`)',
)
