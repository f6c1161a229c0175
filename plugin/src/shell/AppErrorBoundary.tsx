/** An error while drawing: a chunk that an upgrade took away reloads the page once, anything else is shown with a way on. */
import React, { Component, type ReactNode } from 'react';
import { Alert, Button, Stack, Text } from '@grafana/ui';

const RELOADED = 'cloudlysis-control-app.reloaded-for';

/** Chunks carry a hash in their address, so an open tab asks for ones that an upgrade has removed. */
export const isStaleChunk = (error: Error): boolean =>
  error.name === 'ChunkLoadError' || /loading (css )?chunk .* failed|dynamically imported module/i.test(error.message);

/** Whether to reload for this error: once, or an absent chunk would reload for ever. */
export function mayReload(error: Error, storage: Pick<Storage, 'getItem' | 'setItem'>): boolean {
  if (!isStaleChunk(error) || storage.getItem(RELOADED) === error.message) {
    return false;
  }
  storage.setItem(RELOADED, error.message);
  return true;
}

interface State {
  error: Error | null;
}

export class AppErrorBoundary extends Component<{ children: ReactNode }, State> {
  state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  componentDidCatch(error: Error): void {
    if (mayReload(error, sessionStorage)) {
      location.reload();
    }
  }

  render(): ReactNode {
    const { error } = this.state;
    if (error === null) {
      return this.props.children;
    }
    const stale = isStaleChunk(error);
    return (
      <Alert severity="error" title={stale ? 'The plugin was updated' : 'This page broke'}>
        <Stack direction="column" alignItems="flex-start">
          <Text>
            {stale
              ? 'Grafana serves another version than the one this tab has open. Reload to go on; running jobs are not affected.'
              : `${error.message}. Running jobs are not affected.`}
          </Text>
          <Button onClick={() => location.reload()}>Reload</Button>
        </Stack>
      </Alert>
    );
  }
}
