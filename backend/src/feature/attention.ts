/** What a feature says of the platform as it is now: what needs a person, how services are, what could not be looked at. */
import type { Figure, Overview } from '@cloudlysis/contract';
import type { Visible } from '../kernel/visible.ts';

export type Attention = Overview['attention'][number];
/** Where it is, is said of all that a feature tells at once. */
export type Found = Omit<Attention, 'input' | 'environment'> & Partial<Pick<Attention, 'input'>>;
export type Service = Omit<Overview['services'][number], 'environment'>;
/** What could not be asked. */
export type Missed = Omit<Overview['unchecked'][number], 'environment'>;

/** An answer, or the sentence why there is none. */
export type Asked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Who looks, and how long they wait. */
export interface Onlooker {
  readonly visible: Visible;
  /** False for who sees some tenants only: of the platform they are told sums, and no name, address or sentence of a node. */
  readonly wholePlatform: boolean;
  readonly now: Date;
  /** Asks, and waits no longer than the overview does. Without an answer `source` is told of as not looked at. */
  ask<T>(source: string, work: () => Promise<T>): Promise<Asked<T>>;
}

/** How a kind of service is; `itself` when what ails it has items of its own already. */
export type ServiceSight = Service & { readonly itself?: boolean };

/** A feature's part in how the control plane itself is: of all parts the first that is degraded, then the first unknown, is told. */
export interface OwnPart {
  readonly figures: readonly Figure[];
  readonly degraded: string | null;
  readonly unknown: string | null;
  /** When nothing is wrong anywhere. */
  readonly ok?: string;
}

export interface Glance {
  /** What needs a person, and is told to whoever sees the thing. */
  readonly items?: readonly Found[];
  /** What needs a person who sees the whole platform; nobody else is told. */
  readonly platform?: readonly Found[];
  readonly services?: readonly ServiceSight[];
  readonly own?: OwnPart;
  readonly sums?: Partial<Pick<Overview, 'tenants' | 'jobs'>>;
  /** Beyond what was asked for in vain. */
  readonly unchecked?: readonly Missed[];
}

export type Look = (onlooker: Onlooker) => Promise<Glance>;

/** In place of what is not said to who sees some tenants only. */
export const UNSAID = 'it could not be asked';

export const figure = (name: string, label: string, value: number | null, unit: string): Figure => ({ name, label, value, unit }); // prettier-ignore
