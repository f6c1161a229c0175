// Prints what the supervised processes say, a coloured name before each line, and the closing table.
const colours = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

export class Log {
  readonly #width: number;
  readonly #names: readonly string[];
  readonly #colour = process.stdout.isTTY && !process.env['NO_COLOR'];

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#width = Math.max(...names.map((name) => name.length));
  }

  line(name: string, text: string): void {
    const prefix = `${name.padEnd(this.#width)} │`;
    const colour = colours[this.#names.indexOf(name) % colours.length] ?? 0;
    process.stdout.write(`${this.#colour ? `\u001b[${colour}m${prefix}\u001b[0m` : prefix} ${text}\n`);
  }
}

export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd()).join('\n');
}
