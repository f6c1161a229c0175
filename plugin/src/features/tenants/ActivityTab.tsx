/** What happened to a tenant: its audit trail (UI-45), and the way to its jobs. */
import React from 'react';
import { LinkButton } from '@grafana/ui';
import { paths } from '../../address/paths';
import { useCarry } from '../../address/carried-params';
import { AuditRecords } from '../../audit-records/AuditRecords';

export function ActivityTab({ tenantId }: { tenantId: string }) {
  const carried = useCarry();
  return (
    <AuditRecords
      fixed={{ tenant_id: tenantId }}
      toolbar={
        <LinkButton variant="secondary" href={carried(paths.jobs({ tenant_id: tenantId }))}>
          Jobs of this tenant
        </LinkButton>
      }
    />
  );
}
