/** Pure: who acted, without the word that every person's name begins with: `ada@x.test` of `user:ada@x.test`. */
export const actorName = (actor: string): string => actor.replace(/^user:/, '');
