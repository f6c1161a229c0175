/** What there is to choose, of a filter or a field. */
export interface Option {
  readonly value: string;
  readonly label: string;
  readonly description?: string;
}

export const optionsOf = (values: readonly string[]): Option[] => values.map((value) => ({ value, label: value }));
