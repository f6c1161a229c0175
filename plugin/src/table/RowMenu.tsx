/** What can be done with one row; what may not be done says which permission is missing. */
import React from 'react';
import { Dropdown, IconButton, Menu } from '@grafana/ui';
import { useMe } from '../api/abilities';
import { useCarry } from '../address/carried-params';
import { useChange } from '../change/open-changes';
import type { RowAction } from './columns';

interface Props<T> {
  row: T;
  /** Of the row, for those who do not see it. */
  name: string;
  actions: ReadonlyArray<RowAction<T>>;
  tenantId?: string | undefined;
}

export function RowMenu<T>({ row, name, actions, tenantId }: Props<T>) {
  return (
    <Dropdown
      overlay={() => <Items row={row} name={name} actions={actions} tenantId={tenantId} />}
      placement="bottom-end"
    >
      <IconButton name="ellipsis-v" aria-label={`Actions for ${name}`} />
    </Dropdown>
  );
}

/** Drawn when the menu opens: abilities on the row's tenant are asked then and not for every row of the list. */
function Items<T>({ row, actions, tenantId }: Props<T>) {
  const { data: me } = useMe(tenantId);
  const { open } = useChange();
  const carried = useCarry();
  return (
    <Menu>
      {actions
        .filter((action) => action.shown?.(row) ?? true)
        .map((action) => {
          const ability = action.change === undefined ? undefined : me?.abilities[action.change];
          const denied = action.change !== undefined && ability?.allowed !== true;
          return (
            <Menu.Item
              key={action.label}
              label={action.label}
              icon={action.icon}
              disabled={denied}
              description={denied ? (ability?.reason ?? 'Asking what you may do …') : undefined}
              url={action.href && carried(action.href(row))}
              onClick={action.change && (() => open(action.change!, action.input?.(row)))}
            />
          );
        })}
    </Menu>
  );
}
