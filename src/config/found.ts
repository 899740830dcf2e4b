import { bounded, oneLine } from './fault.ts'
import { isSecretPlace } from './secret.ts'
import { type Path, type Tree, valueAt } from './tree.ts'

const MAX_SHOWN = 80
/** A secret is shown only if it is nothing but a reference: that says where the secret is. */
const REFERENCE_ONLY = /^\$\{(?:file:[^}]*|[^}:]*)\}$/

/** Adds what was found to a message: after what was expected, and before a hint; or in front of what is wrong with it. */
export function withFound(message: string, path: Path, tree: Tree): string {
  const shown = foundAt(path, tree)
  if (shown === '') return message
  if (!message.startsWith('expected ')) return shown.startsWith('`') ? `${shown}: ${message}` : message
  const hint = message.indexOf('; ')
  return hint === -1 ? `${message}, found ${shown}` : `${message.slice(0, hint)}, found ${shown}${message.slice(hint)}`
}

/** The value as it is written, bounded and on one line. Secrets are not shown. */
function foundAt(path: Path, tree: Tree): string {
  const entry = tree.entryAt(path)
  if (entry === undefined) return ''
  if (entry.written === null) return `${Array.isArray(valueAt(path, tree.root)) ? 'a list' : 'a mapping'}`
  if (entry.written === '') return 'nothing'
  const isSecret = isSecretPlace(path) && typeof valueAt(path, tree.root) !== 'boolean'
  if (isSecret && !REFERENCE_ONLY.test(entry.written)) return 'a value that is not shown'
  const shown = bounded(oneLine(entry.written.replace(/\/\/[^/@\s]*@/g, '//***@')), MAX_SHOWN)
  return `\`${shown.split(' ').map(withoutQuery).join(' ')}\``
}

/** A URL without its query. */
function withoutQuery(word: string): string {
  const query = word.includes('//') ? word.indexOf('?', word.indexOf('//')) : -1
  return query === -1 ? word : `${word.slice(0, query)}?***`
}
