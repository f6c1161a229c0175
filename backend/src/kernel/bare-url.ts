/** Addresses without what must not be shown: user, password, query. */

const USER = /(:\/\/)[^@/\s]*@/g;

/** Hosts and path of one address or of a comma-separated list of them. */
export const bareUrl = (text: string): string =>
  text
    .split(',')
    .map((one) =>
      one
        .trim()
        .replace(/^([a-z+]+:\/\/)?[^@/]*@/i, '$1')
        .replace(/[?#].*$/, '')
        .replace(/\/+$/, ''),
    )
    .join(',');

/** A sentence of somebody else's, in which an address may stand. */
export const bareText = (text: string): string => text.replace(USER, '$1').slice(0, 500);
