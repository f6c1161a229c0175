/** Numbers as people read them: exact, and grouped by a space, so that a digit more is seen. */

/** 12042 → "12 042". */
export const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');

export const percent = (share: number): string => `${Math.round(share * 100)} %`;
