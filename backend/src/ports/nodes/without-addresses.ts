/**
 * What is said about nodes without where they are. It goes into statuses, plans, jobs and refusals that readers of one
 * tenant see, too: they may know the shard's name, and its address is for those who may list shards.
 */
import { Problem } from '@cloudlysis/contract';

/** From the start of a run of letters alone: tried at each letter of one, 200 000 of them took a minute. */
const URL_LIKE = /(?<![a-z\d+.-])[a-z\d+.-]+:\/\/[^\s/'"]+/gi;
const LISTENS = /\b(listens at) \S+/g;
/** As nodes and drivers write them: `10.0.0.7:8101`, `[::1]:8101`, `node-3.internal:8101`. Not `tenant:2024`, nor a time. */
const HOST_AND_PORT =
  /(?<![\w.:-])(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?|\[[\da-f:.]+\](?::\d{1,5})?|(?!(?:tenant|shard|job|bulk|service|stream):)[a-z][\w-]*(?:\.[\w-]+)*:\d{2,5})(?![\w.:-]*\w)/gi;
/** Without brackets, as drivers write it: `connect ECONNREFUSED fd00::7:4222`. Not `09:02:11`. */
const BARE_IPV6 =
  /(?<![\w.:[-])(?=[\da-f:.]*(?:::|(?:[\da-f]{1,4}:){4}))[\da-f:]*(?:[\da-f]|::)(?:\.\d+)*(?:%\w+)?(?::\d+)?(?!\w)/gi;
/** A name that was looked up, whatever it looks like. */
const LOOKED_UP = /\b(ENOTFOUND|EAI_[A-Z]+) [^\s,;()'"]+/g;

export const withoutAddresses = (text: string): string =>
  text
    .replace(URL_LIKE, 'its ')
    .replace(LISTENS, '$1 its address')
    .replace(LOOKED_UP, '$1 its address')
    .replace(BARE_IPV6, 'its address')
    .replace(HOST_AND_PORT, 'its address');

/** By tag and not by class: a time is one whichever realm made it. */
const isPlain = (value: unknown): value is object => Object.prototype.toString.call(value) === '[object Object]';

/** Every text in a JSON value; the names of its members are ours. */
export function withoutAddressesIn<T>(value: T): T {
  if (typeof value === 'string') return withoutAddresses(value) as T;
  if (Array.isArray(value)) return value.map(withoutAddressesIn) as T;
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutAddressesIn(inner)])) as T;
}

/** A refusal as it may be told; what is no problem of ours tells nothing anyway. */
export function problemWithoutAddresses(error: unknown): unknown {
  if (!(error instanceof Problem)) return error;
  // A plan was made for its readers already, and its diff says what they gave.
  const { plan, ...extra } = error.extra;
  const told = { ...withoutAddressesIn(extra), ...(plan === undefined ? {} : { plan }) };
  return new Problem(error.code, withoutAddresses(error.message), told, error);
}
