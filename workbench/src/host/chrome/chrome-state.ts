// What pages tell the frame around them, and how the theme is switched.
import { createTheme, type GrafanaTheme2 } from '@grafana/data';
import { config, getAppEvents, getBackendSrv, ThemeChangedEvent } from '@grafana/runtime';
import { useEffect, useState } from 'react';
import { BehaviorSubject } from 'rxjs';
import type { Crumb } from './nav';

export const crumbs$ = new BehaviorSubject<readonly Crumb[]>([]);
export const theme$ = new BehaviorSubject(config.theme2);

export function useSubject<T>(subject: BehaviorSubject<T>): T {
  const [value, setValue] = useState(subject.value);
  useEffect(() => {
    const subscription = subject.subscribe(setValue);
    return () => subscription.unsubscribe();
  }, [subject]);
  return value;
}

/** For plain CSS. The server marks the theme it was asked for, but a test may change the boot data after that. */
export function markTheme({ isDark, isLight, colors }: GrafanaTheme2): void {
  document.body.classList.toggle('theme-dark', isDark);
  document.body.classList.toggle('theme-light', isLight);
  document.documentElement.style.colorScheme = colors.mode;
}

export function switchTheme(mode: 'dark' | 'light'): void {
  const theme = createTheme({ colors: { mode } });
  config.theme2 = theme;
  config.theme = theme.v1;
  config.bootData.user.lightTheme = theme.isLight;
  markTheme(theme);
  getAppEvents().publish(new ThemeChangedEvent(theme));
  theme$.next(theme);
  void getBackendSrv().put('/api/user/preferences', { theme: mode }, { showSuccessAlert: false });
}
