import { SCRIPT_HASH } from './script.ts'
import { STYLE_HASH } from './style.ts'

/** Our one script runs and fetches from here; only the page's own icon is loaded; nobody may frame the page; nothing is sent. */
export const POLICY = policy('none')
/** The same, for a page with a form of ours. */
export const POLICY_WITH_FORMS = policy('self')

function policy(forms: 'none' | 'self'): string {
  return `default-src 'none'; style-src ${STYLE_HASH}; script-src ${SCRIPT_HASH}; connect-src 'self'; img-src data:; base-uri 'none'; form-action '${forms}'; frame-ancestors 'none'`
}
