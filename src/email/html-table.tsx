import type { Child } from 'hono/jsx'

/** A table that only lays out: screen readers skip it. */
export function Table({ children, style, class: name }: { children?: Child; style?: string; class?: string }) {
  return (
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0" class={name} style={`width:100%;${style ?? ''}`}>
      {children}
    </table>
  )
}
