/** What there is to say of documents that were set aside, for people who must look at them. */
import type { AuditStore } from '../store/audit.store.ts';

export interface SetAsideSight {
  /** Counted up to 1 000. */
  readonly documents: number;
  readonly newestAt: Date;
}

const MOST = 1_000;

export async function createSetAsideSight(store: AuditStore): Promise<SetAsideSight | null> {
  const ids = await store.setAsideIds(MOST);
  const documents = new Set(ids.map((id) => id.split('/')[0])).size;
  // An id of ours is a UUID of version 7 and tells its time.
  const times = ids.map((id) => parseInt(id.slice('aud_'.length).replaceAll('-', '').slice(0, 12), 16));
  const newest = Math.max(0, ...times.filter((ms) => ms <= 8.64e15));
  return documents === 0 ? null : { documents, newestAt: new Date(newest) };
}
