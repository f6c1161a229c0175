/** Whether a copy is known to be true, and if not, since when and why. */
import type { Logger } from 'pino';
import type { Ambient } from '../kernel/ambient.ts';

export interface Trouble {
  readonly since: Date;
  readonly reason: string;
}

/** A copy that was not compared for this many periods says so. */
const OVERDUE = 3;

export class CopyTrouble {
  private readonly name: string;
  private readonly ambient: Ambient;
  private readonly logger: Logger;
  private readonly checkMs: number;
  private told: Trouble | null;
  checkedAt: Date | null = null;

  constructor(name: string, ambient: Ambient, logger: Logger, checkMs: number) {
    this.name = name;
    this.ambient = ambient;
    this.logger = logger;
    this.checkMs = checkMs;
    this.told = { since: ambient.now(), reason: 'it was not read yet' };
  }

  /** Why it may be behind; null while it is known to be true. */
  get trouble(): Trouble | null {
    return this.told ?? this.overdue();
  }

  /** Lasts from the first reason on until `settled`. */
  doubt(reason: string): void {
    if (this.told?.reason !== reason) this.logger.warn({ copy: this.name, reason }, 'a copy may be behind');
    this.told = { since: this.told?.since ?? this.ambient.now(), reason };
  }

  checked(): void {
    this.checkedAt = this.ambient.now();
  }

  /** Returns what ends the doubt there is now, and none that comes later. */
  settling(): () => void {
    const before = this.told;
    return () => {
      if (this.told === before) this.told = null;
    };
  }

  private overdue(): Trouble | null {
    const due = (this.checkedAt?.getTime() ?? 0) + this.checkMs;
    if (this.ambient.now().getTime() < due + (OVERDUE - 1) * this.checkMs) return null;
    return { since: new Date(due), reason: 'it was not compared with a full read since' };
  }
}
