/** An instant that a query names, within what every store can hold: the embedded one has no year 0, and nothing is older than 1970. */

const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

export const instantOf = (text: string): Date => new Date(Math.max(0, Math.min(LAST, Date.parse(text))));
