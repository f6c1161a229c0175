/** The tone of every word of state; each feature says it of its own words. */
import { createContext, useContext } from 'react';

export type Tone = 'good' | 'busy' | 'warning' | 'bad' | 'quiet';
export type Tones = Readonly<Record<string, Tone>>;

const Known = createContext<Tones>({});
export const StatusTones = Known.Provider;

/** Quiet where nobody knows the word. */
export function useTone(state: string): Tone {
  const tones = useContext(Known);
  return Object.hasOwn(tones, state) ? (tones[state] as Tone) : 'quiet';
}
