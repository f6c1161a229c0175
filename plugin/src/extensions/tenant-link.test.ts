import { PluginExtensionPoints } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { tenantLink } from './tenant-link';

const linkFor = (value: unknown) => tenantLink.configure?.({ scopedVars: { tenant_id: { text: '', value } } } as never);
const withoutPanel = () => tenantLink.configure?.(undefined);

test('MIS-07 a panel of one tenant links to that tenant', () => {
  const path = '/a/cloudlysis-control-app/tenants/acme?var-tenant_id=acme';
  expect(linkFor('acme')).toEqual({ path });
  expect(linkFor(['acme'])).toEqual({ path });
  expect(tenantLink.targets).toEqual([PluginExtensionPoints.DashboardPanelMenu]);
});

test('MIS-07 where the panel does not say it, the dashboard’s address does', () => {
  locationService.push('/d/x?var-tenant_id=acme');
  expect(withoutPanel()).toEqual({ path: expect.stringContaining('/tenants/acme') });
  locationService.push('/d/x?var-tenant_id=acme&var-tenant_id=other');
  expect(withoutPanel()).toBeUndefined();
});

test.each([[[]], [['acme', 'other']], ['$__all'], ['../settings'], [42], ['']])('%j is no one tenant', (value) =>
  expect(linkFor(value)).toBeUndefined()
);
