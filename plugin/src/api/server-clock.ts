/** The control plane's time, by which relative times are told: a browser's clock may be off by any amount. */

/** Tells the time in every answer of the control plane, and in none that Grafana or a proxy makes in its place. */
export const TIME_HEADER = 'control-time';

/** An answer that took longer says too little about when it was given. */
const PRECISE_MS = 2_000;
/** From here on it is said: stamps of people's own notes and chats then do not fit what is shown. */
const TOLD_MS = 60_000;
/** Smaller changes are noise that nobody sees. */
const CHANGE_MS = 1_000;

/** Milliseconds by which this browser's clock is ahead of the control plane's; null until it was told. */
let ahead: number | null = null;
const lookers = new Set<() => void>();

/** Takes the time from an answer; `asked` and `answered` by this browser's clock. */
export function hearTime(said: string | null, asked: number, answered: number): void {
  const at = said === null ? NaN : Date.parse(said);
  // A clock that was set while the answer was under way tells nothing.
  const took = answered - asked;
  if (!Number.isFinite(at) || took < 0 || took > PRECISE_MS) {
    return;
  }
  const next = (asked + answered) / 2 - at;
  if (ahead === null || Math.abs(next - ahead) >= CHANGE_MS) {
    ahead = next;
    lookers.forEach((look) => look());
  }
}

/** The control plane's time at a time of this browser's clock; now unless told. */
export const serverTime = (browserTime = Date.now()): number => browserTime - (ahead ?? 0);

/** Milliseconds by which this browser's clock is ahead (negative: behind), where that is worth a word; else null. */
export const toldAhead = (): number | null => (ahead !== null && Math.abs(ahead) > TOLD_MS ? Math.round(ahead) : null);

/** Calls back when the difference has changed, until the returned function is called. */
export function onClockChange(look: () => void): () => void {
  lookers.add(look);
  return () => void lookers.delete(look);
}

/** For tests: as before the first answer. */
export function forgetClock(): void {
  ahead = null;
}
