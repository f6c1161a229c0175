/** Audit log: who did what, when, why, from where; and is the log itself whole? */
import React from 'react';
import { Stack } from '@grafana/ui';
import { Page } from '../../frame/Page';
import { AuditRecords } from '../../audit-records/AuditRecords';
import { ExportMenu } from './ExportMenu';
import { TimeRange } from './TimeRange';
import { VerifyChain } from './VerifyChain';

export function AuditPage() {
  return (
    <Page
      reads="audit.records.list"
      actions={
        <Stack gap={1}>
          <VerifyChain />
          <ExportMenu />
        </Stack>
      }
    >
      <AuditRecords toolbar={<TimeRange />} />
    </Page>
  );
}
