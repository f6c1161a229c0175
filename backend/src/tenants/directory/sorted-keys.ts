/** Keys in order, found by halving: where a page begins costs the same wherever it is. */

export class SortedKeys {
  private readonly keys: string[] = [];

  get size(): number {
    return this.keys.length;
  }

  /** Not to be changed. */
  all(): readonly string[] {
    return this.keys;
  }

  add(key: string): void {
    // Appending is the common case: at a full read, when tenants are added in order, and for what was changed last.
    if (this.keys.length === 0 || this.keys.at(-1)! < key) this.keys.push(key);
    else if (this.keys[this.firstAfter(key) - 1] !== key) this.keys.splice(this.firstAfter(key), 0, key);
  }

  delete(key: string): void {
    const at = this.firstAfter(key) - 1;
    if (this.keys[at] === key) this.keys.splice(at, 1);
  }

  /** The keys beyond `from` (all of them without one), upward or downward. */
  *walk(from: string | undefined, down: boolean): Generator<string> {
    if (down)
      for (let at = from === undefined ? this.size - 1 : this.firstFrom(from) - 1; at >= 0; at -= 1)
        yield this.keys[at]!;
    else for (let at = from === undefined ? 0 : this.firstAfter(from); at < this.size; at += 1) yield this.keys[at]!;
  }

  /** Index of the first key above `key`. */
  private firstAfter(key: string): number {
    return this.firstWhere((candidate) => candidate > key);
  }

  /** Index of the first key that is not below `key`. */
  private firstFrom(key: string): number {
    return this.firstWhere((candidate) => candidate >= key);
  }

  private firstWhere(isBeyond: (key: string) => boolean): number {
    let [low, high] = [0, this.keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBeyond(this.keys[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
