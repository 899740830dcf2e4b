import type { Facts } from '../domain/notification.ts'

/**
 * `1 of 11 accounts; the other 10 are ok with the same operation.` What is not known of an account is said to be so; `null`
 * where there is only one.
 */
export function widthSentence({ width }: Facts): string | null {
  if (width === undefined) return null
  const { accounts, failing, ok, alsoFailing, unknown, operations } = width
  const others = accounts - failing
  if (others === 0) return `That is all ${accounts} accounts.`
  const said = [
    part(ok, 'ok', `with the same ${operations === 1 ? 'operation' : 'operations'}`),
    part(alsoFailing, 'failing', 'as well'),
    part(unknown, 'not known', '(no fresh result)'),
  ].filter((one) => one !== null)
  const [first] = said
  const rest =
    said.length === 1 && first !== undefined
      ? `the other ${others === 1 ? 'one' : others} ${first.how}`
      : `of the other ${others}, ${listed(said.map(({ count, how }) => `${count} ${how}`))}`
  return `${failing} of ${accounts} accounts; ${rest}.`
}

type Part = Readonly<{ count: number; how: string }>

function part(count: number, state: string, aside: string): Part | null {
  return count === 0 ? null : { count, how: `${count === 1 ? 'is' : 'are'} ${state} ${aside}` }
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}
