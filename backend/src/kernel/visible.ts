/** Tenants a caller may see for one permission; `all` when it holds globally or for this environment. */
export type Visible = 'all' | ReadonlySet<string>;
