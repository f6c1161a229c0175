/**
 * A sentence about a node without where it is. What nodes say goes into statuses, plans and jobs that readers of one
 * tenant see, too: they may know the shard's name, and its address is for those who may list shards.
 */
export const withoutAddresses = (text: string): string =>
  text.replace(/\b[a-z][a-z\d+.-]*:\/\/[^\s/'"]+/gi, 'its ').replace(/\b(listens at) \S+/g, '$1 its address');
