/** Downloads what the page shows, with its filters; the export itself is recorded. */
import React from 'react';
import { EXPORT_FORMATS, urlOfRead } from '@cloudlysis/contract';
import { Button, Dropdown, Menu } from '@grafana/ui';
import { useAbility } from '../../api/abilities';
import { proxyUrl } from '../../api/transport';
import { useSearch } from '../../address/search-params';
import { recordTimes } from '../../audit-records/record-times';

const LABELS: Record<(typeof EXPORT_FORMATS)[number], string> = {
  jsonl: 'JSON Lines',
  csv: 'CSV',
  cloudevents: 'CloudEvents',
};
const FILTERS = ['job_id', 'tenant_id', 'actor', 'action', 'resource', 'outcome', 'request_id'];

export function ExportMenu() {
  const { allowed, reason } = useAbility('audit.export');
  const [params] = useSearch();
  const held = FILTERS.flatMap((name) => (params.get(name) ? [[name, params.get(name) as string]] : []));
  const urlOf = (format: string) =>
    proxyUrl(urlOfRead('audit.export', { query: { format, ...Object.fromEntries(held), ...recordTimes(params) } }));
  const menu = (
    <Menu>
      {EXPORT_FORMATS.map((format) => (
        <Menu.Item key={format} label={LABELS[format]} url={urlOf(format)} target="_blank" />
      ))}
    </Menu>
  );
  return allowed ? (
    <Dropdown overlay={menu} placement="bottom-end">
      <Button variant="secondary" icon="download-alt">
        Export
      </Button>
    </Dropdown>
  ) : (
    <Button variant="secondary" icon="download-alt" disabled tooltip={reason ?? undefined}>
      Export
    </Button>
  );
}
