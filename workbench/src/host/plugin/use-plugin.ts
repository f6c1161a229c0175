// The plugin as the routes see it: being loaded, disabled or absent, failed, or ready.
import type { AppPlugin, AppPluginMeta } from '@grafana/data';
import { getBackendSrv } from '@grafana/runtime';
import { useEffect, useState } from 'react';
import { loadAppPlugin } from './shared-packages';

export type PluginState =
  | { readonly is: 'loading' }
  | { readonly is: 'absent' }
  | { readonly is: 'failed'; readonly error: unknown }
  | { readonly is: 'ready'; readonly plugin: AppPlugin };

/** Asks again for every new `reload`, as `locationService.reload()` promises. */
export function usePlugin(id: string, reload: number): PluginState {
  const [state, setState] = useState<PluginState>({ is: 'loading' });
  useEffect(() => {
    let current = true;
    const show = (next: PluginState) => current && setState(next);
    load(id).then(show, (error: unknown) => show({ is: 'failed', error }));
    return () => {
      current = false;
    };
  }, [id, reload]);
  return state;
}

async function load(id: string): Promise<PluginState> {
  const options = { showErrorAlert: false };
  try {
    const meta = await getBackendSrv().get<AppPluginMeta>(`/api/plugins/${id}/settings`, undefined, undefined, options);
    return { is: 'ready', plugin: await loadAppPlugin(meta) };
  } catch (error) {
    if ((error as { status?: number }).status === 404) return { is: 'absent' };
    throw error;
  }
}
