// The bar at the top: menu, where one is, who one is.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { config } from '@grafana/runtime';
import { Dropdown, Icon, IconButton, Menu, useStyles2, useTheme2 } from '@grafana/ui';
import { crumbs$, switchTheme, useSubject } from './chrome-state';

export const TOP_BAR_HEIGHT = 40;

export function TopBar({ left, onMenu }: { left: number; onMenu: (() => void) | undefined }) {
  const styles = useStyles2(getStyles);
  return (
    <header className={styles.bar} style={{ left }}>
      {onMenu && (
        <IconButton
          name="grafana"
          size="lg"
          tooltip="Open menu"
          aria-label="Open menu"
          className={styles.menu}
          onClick={onMenu}
        />
      )}
      <Breadcrumbs />
      <div className={styles.search} aria-hidden>
        <Icon name="search" />
        <span>Search...</span>
        <kbd className={styles.keys}>ctrl+k</kbd>
      </div>
      <Profile />
    </header>
  );
}

function Breadcrumbs() {
  const styles = useStyles2(getStyles);
  const crumbs = useSubject(crumbs$);
  return (
    <nav aria-label="Breadcrumbs" className={styles.trail}>
      <ol className={styles.crumbs}>
        {crumbs.map(({ text, href }, index) => {
          const last = index === crumbs.length - 1;
          return (
            <li key={`${index}-${text}`} className={styles.crumb} data-testid={`data-testid ${text} breadcrumb`}>
              {last || !href ? (
                <span className={cx(styles.text, last && styles.current)} aria-current={last ? 'page' : undefined}>
                  {text}
                </span>
              ) : (
                <a className={cx(styles.text, styles.link)} href={href}>
                  {text}
                </a>
              )}
              {!last && <Icon name="angle-right" className={styles.separator} />}
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

function Profile() {
  const styles = useStyles2(getStyles);
  const theme = useTheme2();
  const { login, orgRole } = config.bootData.user;
  const other = theme.isDark ? 'light' : 'dark';
  const menu = (
    <Menu header={<div>{`${login} · ${orgRole}`}</div>}>
      <Menu.Item label={`Change theme to ${other}`} icon="palette" onClick={() => switchTheme(other)} />
      <Menu.Item label="Sign out" icon="signout" url="/logout" target="_self" role="menuitem" />
    </Menu>
  );
  return (
    <Dropdown overlay={menu} placement="bottom-end">
      <button type="button" className={styles.profile} aria-label={`Profile: ${login}, ${orgRole}`}>
        <span className={styles.avatar}>{login.slice(0, 1).toUpperCase()}</span>
      </button>
    </Dropdown>
  );
}

const getStyles = ({ spacing, colors, shape, typography, zIndex }: GrafanaTheme2) => ({
  bar: css({
    position: 'fixed',
    top: 0,
    right: 0,
    height: TOP_BAR_HEIGHT,
    boxSizing: 'border-box',
    zIndex: zIndex.navbarFixed,
    display: 'flex',
    alignItems: 'center',
    gap: spacing(1),
    padding: spacing(0, 1, 0, 2),
    background: colors.background.primary,
    borderBottom: `1px solid ${colors.border.weak}`,
  }),
  menu: css({ color: colors.text.primary, marginRight: spacing(1) }),
  trail: css({ flex: 1, minWidth: 0, overflow: 'hidden' }),
  crumbs: css({ display: 'flex', flexWrap: 'nowrap', listStyle: 'none', margin: 0, padding: 0 }),
  crumb: css({ display: 'flex', alignItems: 'center', minWidth: 0 }),
  text: css({ padding: spacing(0, 0.5), whiteSpace: 'nowrap', overflow: 'hidden', textOverflow: 'ellipsis' }),
  link: css({ color: colors.text.primary, '&:hover': { textDecoration: 'underline' } }),
  current: css({ color: colors.text.primary, fontWeight: typography.fontWeightMedium }),
  separator: css({ color: colors.text.secondary, flexShrink: 0 }),
  search: css({
    display: 'flex',
    alignItems: 'center',
    gap: spacing(1),
    width: 180,
    height: 24,
    boxSizing: 'border-box',
    padding: spacing(0, 1),
    border: `1px solid ${colors.border.medium}`,
    borderRadius: shape.radius.default,
    color: colors.text.secondary,
    fontSize: typography.bodySmall.fontSize,
    '& span': { flex: 1 },
  }),
  keys: css({ all: 'unset', color: colors.text.secondary, fontSize: 10 }),
  profile: css({
    all: 'unset',
    display: 'flex',
    cursor: 'pointer',
    borderRadius: shape.radius.circle,
    padding: spacing(0.5),
    '&:focus-visible': { outline: `2px solid ${colors.primary.main}` },
  }),
  avatar: css({
    display: 'grid',
    placeItems: 'center',
    width: 24,
    height: 24,
    borderRadius: shape.radius.circle,
    background: colors.secondary.main,
    color: colors.text.primary,
    fontSize: typography.bodySmall.fontSize,
    fontWeight: typography.fontWeightMedium,
  }),
});
