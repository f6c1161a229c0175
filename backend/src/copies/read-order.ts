/** Values by id, where a read that began earlier never undoes one that began later, however late it ends. */
export class ReadOrder<T> {
  private readonly held = new Map<string, { value: T; moment: number }>();
  /** What was found gone while older reads are still under way. */
  private readonly gone = new Map<string, number>();
  private moments = 0;
  private reading = 0;

  get size(): number {
    return this.held.size;
  }

  get(id: string): T | undefined {
    return this.held.get(id)?.value;
  }

  ids(): IterableIterator<string> {
    return this.held.keys();
  }

  *values(): Generator<T, undefined> {
    for (const { value } of this.held.values()) yield value;
  }

  *entries(): Generator<[string, T], undefined> {
    for (const [id, { value }] of this.held) yield [id, value];
  }

  /** A read begins; the moment goes to every `set` of what it finds. */
  begin(): number {
    this.reading += 1;
    return (this.moments += 1);
  }

  end(): void {
    this.reading -= 1;
    if (this.reading === 0) this.gone.clear();
  }

  /** True when it is something else than was held. */
  set(id: string, value: T | null, moment: number, isSame?: (one: T, other: T) => boolean): boolean {
    const known = this.held.get(id);
    if ((known?.moment ?? this.gone.get(id) ?? 0) > moment) return false;
    if (value === null) {
      this.held.delete(id);
      this.gone.set(id, moment);
      return known !== undefined;
    }
    this.gone.delete(id);
    if (known && isSame?.(known.value, value)) {
      known.moment = moment;
      return false;
    }
    this.held.set(id, { value, moment });
    return true;
  }
}
