// AppEvents' alerts as Grafana's notifications in the upper right corner.
import { css } from '@emotion/css';
import { AppEvents, type AlertErrorPayload, type BusEvent, type GrafanaTheme2 } from '@grafana/data';
import { getAppEvents } from '@grafana/runtime';
import { Alert, type AlertVariant, useStyles2 } from '@grafana/ui';
import { useEffect, useState } from 'react';

interface Toast {
  readonly id: number;
  readonly severity: AlertVariant;
  readonly title: string;
  readonly text: string;
}

const KINDS = [
  { event: AppEvents.alertSuccess, severity: 'success', showMs: 3000 },
  { event: AppEvents.alertInfo, severity: 'info', showMs: 3000 },
  { event: AppEvents.alertWarning, severity: 'warning', showMs: 5000 },
  { event: AppEvents.alertError, severity: 'error', showMs: 7000 },
] as const;

let lastId = 0;

export function Toasts() {
  const styles = useStyles2(getStyles);
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const remove = (id: number) => setToasts((now) => now.filter((toast) => toast.id !== id));
  useEffect(() => {
    const subscriptions = KINDS.map(({ event, severity, showMs }) =>
      getAppEvents()
        .getStream({ type: event.name } as never)
        .subscribe(({ payload }: BusEvent & { payload?: AlertErrorPayload }) => {
          const [title, text] = payload ?? [''];
          const id = ++lastId;
          const toast = {
            id,
            severity,
            title: String(title),
            text: text instanceof Error ? text.message : (text ?? ''),
          };
          setToasts((now) => [...now, toast]);
          setTimeout(() => remove(id), showMs);
        }),
    );
    return () => subscriptions.forEach((subscription) => subscription.unsubscribe());
  }, []);
  return (
    <div className={styles.corner}>
      {toasts.map(({ id, severity, title, text }) => (
        <Alert key={id} severity={severity} title={title} elevated onRemove={() => remove(id)}>
          {text}
        </Alert>
      ))}
    </div>
  );
}

const getStyles = ({ spacing, zIndex }: GrafanaTheme2) => ({
  corner: css({
    position: 'fixed',
    right: spacing(2),
    top: 60,
    width: 400,
    maxWidth: '90vw',
    zIndex: zIndex.portal,
    display: 'flex',
    flexDirection: 'column',
    gap: spacing(1),
    '& > *': { marginBottom: 0 },
  }),
});
