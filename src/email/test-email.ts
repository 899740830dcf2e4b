/** What `alibi mail test` sends. */
export const TEST_EMAIL = {
  subject: '[alibi] test email',
  reason: '`alibi mail test` was run',
  lines: ({ name, to }: Readonly<{ name: string; to: readonly string[] }>) => [
    `\`alibi mail test\` was run. Alerts for ${name} go to ${to.join(', ')}.`,
  ],
} as const
