/** Numbers as people read them: exact, and grouped by a space, so that a digit more is seen. */

/** 12042 → "12 042". */
export const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** To a tenth: 0.8512 → "85.1 %". */
export const percentToTenths = (share: number): string => `${Math.round(share * 1_000) / 10} %`;

export const tenths = (value: number): number => Math.round(value * 10) / 10;

/** `1 node`, `2 nodes`. */
export const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
