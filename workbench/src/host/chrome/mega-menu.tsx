// The navigation on the left: docked on wide windows, a drawer over the page on narrow ones.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2, NavModelItem } from '@grafana/data';
import { Icon, IconButton, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { useLocation } from 'react-router-dom-v5-compat';
import { navTree, sectionAt } from './nav';

export const MENU_WIDTH = 300;

export function MegaMenu({ onToggle, onFollow }: { onToggle: () => void; onFollow: () => void }) {
  const styles = useStyles2(getStyles);
  const tree = navTree();
  const section = sectionAt(useLocation().pathname, tree);
  return (
    <nav className={styles.menu} aria-label="Navigation" data-testid="data-testid navigation mega-menu">
      <div className={styles.header}>
        <Icon name="grafana" size="lg" />
        <span className={styles.brand}>Grafana</span>
        <IconButton name="web-section-alt" size="lg" tooltip="Toggle menu" onClick={onToggle} />
      </div>
      <ul className={styles.list}>
        {tree.map((item) => (
          <MenuItem key={item.id} item={item} section={section} level={0} onFollow={onFollow} />
        ))}
      </ul>
    </nav>
  );
}

interface MenuItemProps {
  item: NavModelItem;
  section: NavModelItem | undefined;
  level: number;
  onFollow: () => void;
}

function MenuItem({ item, section, level, onFollow }: MenuItemProps) {
  const styles = useStyles2(getStyles);
  const children = item.children ?? [];
  const inside = contains(item, section);
  const [opened, setOpened] = useState<boolean>();
  const expanded = opened ?? inside;
  const active = item === section || (item.url === section?.url && !children.length);
  return (
    <li>
      <div className={cx(styles.row, active && styles.active)} style={{ paddingLeft: level > 1 ? 46 : level ? 34 : 8 }}>
        {level === 0 && item.icon && <Icon name={item.icon} size="lg" />}
        <a
          href={item.url}
          className={cx(styles.link, level === 0 && styles.top)}
          aria-current={active ? 'page' : undefined}
          onClick={onFollow}
        >
          {item.text}
        </a>
        {children.length > 0 && (
          <IconButton
            name={expanded ? 'angle-up' : 'angle-down'}
            aria-label={`${expanded ? 'Collapse' : 'Expand'} section: ${item.text}`}
            aria-expanded={expanded}
            onClick={() => setOpened(!expanded)}
          />
        )}
      </div>
      {expanded && children.length > 0 && (
        <ul className={styles.children}>
          {children.map((child) => (
            <MenuItem key={child.id} item={child} section={section} level={level + 1} onFollow={onFollow} />
          ))}
        </ul>
      )}
    </li>
  );
}

const contains = (item: NavModelItem, section: NavModelItem | undefined): boolean =>
  section !== undefined && (item === section || contains(item, section.parentItem));

const getStyles = ({ spacing, colors, shape, typography, zIndex }: GrafanaTheme2) => ({
  menu: css({
    position: 'fixed',
    inset: '0 auto 0 0',
    width: MENU_WIDTH,
    zIndex: zIndex.sidemenu,
    boxSizing: 'border-box',
    background: colors.background.primary,
    borderRight: `1px solid ${colors.border.weak}`,
    overflow: 'auto',
  }),
  header: css({
    display: 'flex',
    alignItems: 'center',
    gap: spacing(1),
    height: 40,
    boxSizing: 'border-box',
    padding: spacing(0, 1, 0, 2),
    borderBottom: `1px solid ${colors.border.weak}`,
  }),
  brand: css({ flex: 1, fontWeight: typography.fontWeightMedium }),
  list: css({ listStyle: 'none', padding: spacing(1, 1, 2), margin: 0 }),
  children: css({ listStyle: 'none', padding: 0, margin: 0 }),
  row: css({
    position: 'relative',
    display: 'flex',
    alignItems: 'center',
    gap: spacing(1),
    height: 32,
    paddingRight: spacing(1),
    borderRadius: shape.radius.default,
    color: colors.text.secondary,
    '&:hover': { background: colors.action.hover, color: colors.text.primary },
  }),
  active: css({
    background: colors.action.selected,
    color: colors.text.primary,
    '&::before': {
      content: '" "',
      position: 'absolute',
      inset: '0 auto 0 0',
      width: 4,
      borderRadius: shape.radius.default,
      backgroundImage: colors.gradients.brandVertical,
    },
  }),
  link: css({ flex: 1, color: 'inherit', overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }),
  top: css({ color: colors.text.primary, fontWeight: typography.fontWeightMedium }),
});
