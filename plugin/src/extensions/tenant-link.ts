/** "Open tenant" in a panel's menu, where the dashboard is filtered by one tenant (MIS-07). Imported by the entry: keep it free of imports that weigh. */
import {
  PluginExtensionPoints,
  type PluginExtensionAddedLinkConfig,
  type PluginExtensionPanelContext,
} from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { paths } from '../address/paths';

/** One tenant's id, or nothing where a panel shows several or none. */
function tenantOf(context: PluginExtensionPanelContext | undefined): string | undefined {
  const value: unknown =
    context?.scopedVars?.['tenant_id']?.value ?? locationService.getSearch().getAll('var-tenant_id');
  const ids = [value].flat();
  return ids.length === 1 && typeof ids[0] === 'string' && /^[a-z0-9][a-z0-9-]{0,62}$/.test(ids[0])
    ? ids[0]
    : undefined;
}

export const tenantLink: PluginExtensionAddedLinkConfig<PluginExtensionPanelContext> = {
  title: 'Open tenant in Cloudlysis Control',
  description: 'The tenant this panel is filtered by: status, placement, health and activity',
  targets: [PluginExtensionPoints.DashboardPanelMenu],
  path: paths.tenants(),
  icon: 'users-alt',
  configure: (context) => {
    const tenant = tenantOf(context);
    return tenant === undefined ? undefined : { path: paths.tenant(tenant) };
  },
};
