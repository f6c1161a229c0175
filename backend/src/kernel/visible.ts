/** Tenants of an environment that a caller may see for one permission; `all` when it holds on all of that environment. */
export type Visible = 'all' | ReadonlySet<string>;

/**
 * What a caller may see of a list that is over all environments: `all` when the permission holds globally, else by the
 * environment a thing is in. Under null stands what is in none, such as the record of a tenant: seen globally, or by who
 * holds the permission on that tenant everywhere. Where nothing is seen there is no entry.
 */
export type VisibleByEnvironment = 'all' | ReadonlyMap<string | null, Visible>;
