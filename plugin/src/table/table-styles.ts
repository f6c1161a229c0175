/** The look of every table of the plugin, beside Grafana's own. */
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';

export const ROW_PX = 36;

export const getTableStyles = (theme: GrafanaTheme2) => ({
  scroller: css({
    overflow: 'auto',
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.primary,
    // Rows that come and go above must not move what is read.
    overflowAnchor: 'none',
    contain: 'content',
  }),
  table: css({ width: '100%', tableLayout: 'fixed', borderCollapse: 'separate', borderSpacing: 0 }),
  head: css({
    position: 'sticky',
    top: 0,
    zIndex: 1,
    height: ROW_PX,
    padding: theme.spacing(0, 0.75),
    textAlign: 'left',
    whiteSpace: 'nowrap',
    fontWeight: theme.typography.fontWeightMedium,
    fontSize: theme.typography.bodySmall.fontSize,
    color: theme.colors.text.secondary,
    background: theme.colors.background.secondary,
    borderBottom: `1px solid ${theme.colors.border.weak}`,
  }),
  row: css({
    '&:hover > td': { background: theme.colors.action.hover },
    '&[aria-selected="true"] > td': { background: theme.colors.action.selected },
  }),
  cell: css({
    height: ROW_PX,
    padding: theme.spacing(0, 0.75),
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    '& button': { verticalAlign: 'middle' },
  }),
  right: css({ textAlign: 'right', fontVariantNumeric: 'tabular-nums' }),
  sort: css({
    display: 'inline-flex',
    alignItems: 'center',
    gap: theme.spacing(0.5),
    padding: 0,
    border: 'none',
    background: 'none',
    font: 'inherit',
    color: 'inherit',
    '&:hover': { color: theme.colors.text.primary },
  }),
  unsorted: css({ opacity: 0.35 }),
});

export const SELECT_PX = 36;
export const MENU_PX = 40;
/** What a column without a width needs at least to be worth reading. */
const FREE_PX = 124;

/** Below this width a table scrolls sideways, and no column is squeezed to nothing. */
export const leastWidth = (columns: ReadonlyArray<{ width?: string }>, selectable = false, menu = false): number =>
  columns.reduce((sum, { width }) => sum + (width === undefined ? FREE_PX : parseInt(width, 10)), 0) +
  (selectable ? SELECT_PX : 0) +
  (menu ? MENU_PX : 0);
