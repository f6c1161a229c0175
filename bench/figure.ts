// What a part of the benchmark hands back: figures, each beside its floor or peer, with its goal and whether it was met.

export interface Figure {
  readonly name: string;
  /** Median with its spread. */
  readonly measured: string;
  /** Floor or peer, measured in the same run. */
  readonly beside: string;
  /** Absent where none was set. */
  readonly goal?: string;
  /** Null when there is no goal, or nothing could be measured. */
  readonly met: boolean | null;
  /** What the measurements say about it; always there when a goal was missed. */
  readonly why?: string;
}

export interface Section {
  readonly title: string;
  /** How it was measured, in a sentence or two. */
  readonly how: string;
  readonly figures: readonly Figure[];
}

export interface Part {
  /** Of its module, which exports `measure`. */
  readonly folder: string;
  /** Also of its module. */
  readonly name: string;
  readonly title: string;
  /** Seconds after which the part is given up. */
  readonly seconds: number;
}

export const notMeasured = (name: string, why: unknown): Figure => ({
  name,
  measured: 'not measured',
  beside: '',
  met: null,
  why: why instanceof Error ? why.message.split('\n')[0]! : String(why),
});
