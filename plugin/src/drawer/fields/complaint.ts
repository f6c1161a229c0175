/** What is wrong with a value, and where. */
export interface Complaint {
  /** Dotted, as the names of fields are. */
  readonly path: string;
  readonly message: string;
}
