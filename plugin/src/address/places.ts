/** Where to look for what the service names, such as `tenant:acme` or `drift`; each feature says it of its own. */
import { createContext, useContext } from 'react';

export interface Place {
  /** One of the app's pages. */
  readonly href: string;
  /** What a change about it is given to begin with. */
  readonly input?: Readonly<Record<string, unknown>>;
  /** Tenant on which the permission for that change must hold. */
  readonly tenantId?: string;
}

/** By what stands before the colon; told what stands behind it. */
export type Places = Readonly<Record<string, (id: string) => Place>>;

const Known = createContext<Places>({});
export const KnownPlaces = Known.Provider;

/** Nothing for what no feature knows. */
export function usePlaces(): (resource: string) => Place | undefined {
  const places = useContext(Known);
  return (resource) => {
    const [kind = '', id = ''] = resource.split(/:(.*)/s);
    return Object.hasOwn(places, kind) ? places[kind]?.(id) : undefined;
  };
}
