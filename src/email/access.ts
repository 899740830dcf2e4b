/** How a command is run on Alibi's host: the way in which Alibi itself was started. */
export type Shell = Readonly<{
  host: string
  /** `null` where the system knows no name. */
  user: string | null
  directory: string
  /** What stands before the name of a command: `npx alibi`. */
  program: string
  /** What follows its arguments, such as `--config /etc/alibi/alibi.yaml`; mostly nothing. */
  options: string
}>

/** Where the incident of an email is shown. */
export type IncidentLink = Readonly<{
  url: string
  /** Whether the page that it leads to offers to acknowledge and to silence. */
  hasButtons: boolean
}>
