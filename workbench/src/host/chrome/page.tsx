// Grafana's page frame inside the chrome: title, info, actions, tabs, content. What PluginPage of @grafana/runtime is.
import { css } from '@emotion/css';
import { type GrafanaTheme2, type NavModelItem, PageLayoutType } from '@grafana/data';
import type { PluginPageProps } from '@grafana/runtime';
import { Tab, TabsBar, TabContent, useStyles2 } from '@grafana/ui';
import { useLayoutEffect } from 'react';
import { useLocation } from 'react-router-dom-v5-compat';
import { crumbs$ } from './chrome-state';
import { appItem, breadcrumbs, sectionAt, windowTitle } from './nav';

export function PluginPage(props: PluginPageProps) {
  const { pathname } = useLocation();
  const pluginId = pathname.split('/')[2] ?? '';
  return <Page {...props} section={sectionAt(pathname) ?? appItem(pluginId)} />;
}

export function Page(props: PluginPageProps & { section?: NavModelItem | undefined }) {
  const { section, pageNav, layout = PageLayoutType.Standard, children } = props;
  const styles = useStyles2(getStyles);
  const crumbs = breadcrumbs(section, pageNav);
  const trail = JSON.stringify(crumbs);
  useLayoutEffect(() => {
    crumbs$.next(JSON.parse(trail));
    document.title = windowTitle(JSON.parse(trail));
  }, [trail]);

  if (layout === PageLayoutType.Custom) return <div className={styles.frame}>{children}</div>;
  if (layout === PageLayoutType.Canvas) return <div className={styles.canvas}>{children}</div>;
  const tabs = pageNav?.children?.filter((child) => !child.hideFromTabs) ?? [];
  return (
    <div className={styles.frame}>
      <div className={styles.inner}>
        {(pageNav ?? section)?.text && <Header {...props} nav={pageNav ?? section} />}
        {tabs.length > 0 && (
          <TabsBar className={styles.tabs}>
            {tabs.map((tab, index) => (
              <Tab
                key={`${tab.url}-${index}`}
                label={tab.text}
                active={tab.active ?? false}
                href={tab.url}
                icon={tab.icon}
                counter={tab.tabCounter}
                suffix={tab.tabSuffix}
                onChangeTab={() => tab.onClick?.()}
              />
            ))}
          </TabsBar>
        )}
        <TabContent className={styles.content}>{children}</TabContent>
      </div>
    </div>
  );
}

function Header({
  nav,
  renderTitle,
  subTitle = nav?.subTitle,
  info,
  actions,
}: PluginPageProps & { nav?: NavModelItem | undefined }) {
  const styles = useStyles2(getStyles);
  const title = nav?.text ?? '';
  return (
    <div className={styles.header}>
      <div className={styles.top}>
        <div className={styles.title}>
          {nav?.img && <img className={styles.image} src={nav.img} alt="" />}
          {renderTitle ? renderTitle(title) : <h1 className={styles.heading}>{title}</h1>}
        </div>
        {info?.map(({ label, value }) => (
          <div key={label} className={styles.info}>
            <span className={styles.label}>{label}</span>
            {value}
          </div>
        ))}
        <div className={styles.actions}>{actions}</div>
      </div>
      {subTitle && <div className={styles.subTitle}>{subTitle}</div>}
    </div>
  );
}

const getStyles = ({ spacing, colors, breakpoints, typography }: GrafanaTheme2) => {
  const frame = { display: 'flex', flex: '1 1 0', flexDirection: 'column', position: 'relative' } as const;
  return {
    frame: css({ ...frame, background: colors.background.primary }),
    canvas: css({ ...frame, background: colors.background.canvas, padding: spacing(2) }),
    inner: css({
      display: 'flex',
      flex: '1 1 auto',
      flexDirection: 'column',
      padding: spacing(2),
      [breakpoints.up('md')]: { padding: spacing(4) },
    }),
    header: css({ display: 'flex', flexDirection: 'column', gap: spacing(1), marginBottom: spacing(2) }),
    top: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'flex-start', gap: spacing(1, 3) }),
    title: css({ display: 'flex', alignItems: 'center', maxWidth: '100%', flex: 1, '& > *': { marginBottom: 0 } }),
    heading: css({ display: 'flex', marginBottom: 0 }),
    image: css({ width: 32, height: 32, marginRight: spacing(2) }),
    info: css({ display: 'flex', flexDirection: 'column', minHeight: 32 }),
    label: css({ color: colors.text.secondary, fontSize: typography.bodySmall.fontSize }),
    actions: css({ display: 'flex', alignItems: 'center', gap: spacing(1), '&:empty': { display: 'none' } }),
    subTitle: css({ position: 'relative', color: colors.text.secondary }),
    tabs: css({ marginBottom: spacing(2) }),
    // A plain block: an Alert has flex-grow and would fill a flex column.
    content: css({ flex: '1 1 auto', background: 'transparent' }),
  };
};
