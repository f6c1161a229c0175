/** Tells every page what the features know of tones, places and changes. */
import React, { type ReactNode } from 'react';
import { KnownPlaces } from '../address/places';
import { ChangesProvider, type KnownChanges } from '../change/known-changes';
import type { Feature } from '../feature';
import { StatusTones } from '../values/status-tones';

/** Pure: what all of them know. */
export function joined(features: readonly Feature[]) {
  const all = <K extends 'tones' | 'places' | 'changes'>(key: K): NonNullable<Feature[K]> =>
    Object.assign({}, ...features.map((feature) => feature[key] ?? {})) as NonNullable<Feature[K]>;
  const load: KnownChanges['load'] = async (id) => {
    const owner = features.find(({ changes = {} }) => Object.hasOwn(changes, id));
    return (await owner?.forms?.())?.find(({ of }) => of.submit.id === id);
  };
  return { tones: all('tones'), places: all('places'), changes: { words: all('changes'), load } };
}

export function FeatureProvider({ known, children }: { known: ReturnType<typeof joined>; children: ReactNode }) {
  return (
    <StatusTones value={known.tones}>
      <KnownPlaces value={known.places}>
        <ChangesProvider value={known.changes}>{children}</ChangesProvider>
      </KnownPlaces>
    </StatusTones>
  );
}
