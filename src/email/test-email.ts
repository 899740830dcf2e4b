/** What `alibi mail test` sends. */
export const TEST_EMAIL = {
  subject: '[alibi] test mail',
  reason: 'somebody ran `alibi mail test`',
  lines: ({ name, to }: Readonly<{ name: string; to: readonly string[] }>) => [
    `Somebody ran \`alibi mail test\`. Mails to ${name} (${to.join(', ')}) take this way.`,
  ],
} as const
