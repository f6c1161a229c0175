/** Placement: who lives where, is it balanced, and does everybody agree about it? */
import React from 'react';
import { useParams } from 'react-router';
import { Page } from '../../frame/Page';
import { paths, PLACEMENT_TABS, type PlacementTab } from '../../address/paths';
import { useCarry } from '../../address/carried-params';
import { AbleButton } from '../../change/AbleButton';
import { DriftTab } from './DriftTab';
import { PlacedTenantsTab } from './PlacedTenantsTab';
import { ShardsTab } from './ShardsTab';

const TITLES: Record<PlacementTab, string> = { shards: 'Shards', tenants: 'Tenants per shard', drift: 'Drift' };
const TABS = { shards: ShardsTab, tenants: PlacedTenantsTab, drift: DriftTab };

const isTab = (tab: string): tab is PlacementTab => (PLACEMENT_TABS as readonly string[]).includes(tab);

export function PlacementPage() {
  const { tab: wanted = 'shards' } = useParams();
  const tab = isTab(wanted) ? wanted : 'shards';
  const carried = useCarry();
  const Tab = TABS[tab];
  const nav = {
    text: 'Placement',
    url: carried(paths.placement()),
    hideFromBreadcrumbs: true,
    children: PLACEMENT_TABS.map((name) => ({
      text: TITLES[name],
      url: carried(paths.placement(name)),
      active: name === tab,
    })),
  };
  return (
    <Page
      reads="scale.shards.list"
      nav={nav}
      actions={<AbleButton change="scale.shards.put">Register shard</AbleButton>}
    >
      <Tab />
    </Page>
  );
}
