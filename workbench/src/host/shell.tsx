// The frame around every page, and what pages need to exist somewhere in it: modals, toasts, portals, global styles.
import { css } from '@emotion/css';
import { type GrafanaTheme2, ThemeContext } from '@grafana/data';
import { config, locationService, LocationServiceProvider } from '@grafana/runtime';
import { GlobalStyles, ModalRoot, ModalsProvider, PortalContainer, useStyles2, useTheme2 } from '@grafana/ui';
import { useState } from 'react';
import { Router } from 'react-router-dom';
import { CompatRouter, Route, Routes } from 'react-router-dom-v5-compat';
import { AppRoute } from './routes/app-route';
import { theme$, useSubject } from './chrome/chrome-state';
import { ConfigRoute } from './routes/config-route';
import { MegaMenu, MENU_WIDTH } from './chrome/mega-menu';
import { NotFound } from './routes/not-found';
import { SectionRoute } from './routes/section-route';
import { Toasts } from './chrome/toasts';
import { TOP_BAR_HEIGHT, TopBar } from './chrome/top-bar';

export function Shell() {
  return (
    <ThemeContext.Provider value={useSubject(theme$)}>
      <LocationServiceProvider service={locationService}>
        <Router history={locationService.getHistory()}>
          <CompatRouter>
            <GlobalStyles />
            <ModalsProvider>
              <Frame />
              <ModalRoot />
            </ModalsProvider>
            <Toasts />
            <PortalContainer />
          </CompatRouter>
        </Router>
      </LocationServiceProvider>
    </ThemeContext.Provider>
  );
}

const DOCKED_KEY = 'grafana.navigation.docked';

function Frame() {
  const styles = useStyles2(getStyles);
  const wide = window.innerWidth >= useTheme2().breakpoints.values.xl;
  const [docked, setDocked] = useState(wide && localStorage.getItem(DOCKED_KEY) !== 'false');
  const [open, setOpen] = useState(false);
  const left = docked ? MENU_WIDTH : 0;
  const toggle = () => {
    if (!wide) return setOpen(!open);
    localStorage.setItem(DOCKED_KEY, String(!docked));
    setDocked(!docked);
  };
  return (
    <div className={styles.frame} style={{ paddingLeft: left }}>
      <a className={styles.skip} href={`${window.location.pathname}#pageContent`}>
        Skip to main content
      </a>
      {open && <div className={styles.veil} onClick={() => setOpen(false)} role="presentation" />}
      {(docked || open) && <MegaMenu onToggle={toggle} onFollow={() => setOpen(false)} />}
      <TopBar left={left} onMenu={docked ? undefined : toggle} />
      <main id="pageContent" className={styles.main}>
        <Routes>
          {['/', '/apps', '/admin', '/plugins'].map((path) => (
            <Route key={path} path={path} element={<SectionRoute />} />
          ))}
          <Route path="/a/:pluginId/*" element={<AppRoute />} />
          <Route path="/plugins/:pluginId" element={<ConfigRoute />} />
          <Route path="*" element={<NotFound />} />
        </Routes>
      </main>
    </div>
  );
}

export const chromeHeaderHeight = () => (config.bootData.user.isSignedIn ? TOP_BAR_HEIGHT : 0);

const getStyles = ({ colors, components, zIndex, spacing }: GrafanaTheme2) => ({
  frame: css({ display: 'flex', minHeight: '100vh', boxSizing: 'border-box', paddingTop: TOP_BAR_HEIGHT }),
  main: css({ display: 'flex', flex: '1 1 0', flexDirection: 'column', minWidth: 0 }),
  veil: css({ position: 'fixed', inset: 0, zIndex: zIndex.navbarFixed, background: components.overlay.background }),
  skip: css({
    position: 'fixed',
    top: -100,
    zIndex: zIndex.portal,
    padding: spacing(1, 2),
    background: colors.background.secondary,
    '&:focus': { top: spacing(1), left: spacing(1) },
  }),
});
