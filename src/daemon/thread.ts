import type { Notification, Owed } from '../domain/notification.ts'
import type { Store } from '../ports/store.ts'

/** The ids of an email's thread and of those that went on in it. */
export function threadsOf({ thread, past = [] }: Notification): readonly string[] {
  return [thread, ...past.map((old) => old.thread)]
}

/**
 * Every email of its thread and of those that went on in it. They are stored with the incidents that they are about
 * (`family-change`).
 */
export async function threadOf(notification: Notification, store: Pick<Store, 'mails'>): Promise<readonly Owed[]> {
  const { incident, past = [] } = notification
  if (incident === null) return []
  const incidents = [...new Set([...past.map((old) => old.incident), incident])]
  const emails = (await Promise.all(incidents.map((id) => store.mails(id)))).flat()
  const threads = new Set(threadsOf(notification))
  return emails.filter((owed) => threads.has(owed.notification.thread))
}
