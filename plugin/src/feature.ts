/** What a feature adds to the app. Its folder exports one, and `shell/features.ts` lists it; nothing else knows it by name. */
import type { ComponentType } from 'react';
import type { Places } from './address/places';
import type { FormSpec } from './change/form-spec';
import type { WordsByChange } from './change/change-words';
import type { Tones } from './values/status-tones';

export interface FeaturePage {
  /** As the router reads it, such as `jobs/:jobId`. */
  readonly path: string;
  /** Each page is a chunk of its own. */
  readonly load: () => Promise<ComponentType>;
}

export interface Feature {
  readonly pages: readonly FeaturePage[];
  /** What its changes are called. */
  readonly changes?: WordsByChange;
  /** Loads the forms of its changes, one for each, with their schemas. */
  readonly forms?: () => Promise<readonly FormSpec[]>;
  /** The tone of every state that its things are in. */
  readonly tones?: Tones;
  /** Where to look for what needs attention, and what a change about it begins with. */
  readonly places?: Places;
}
