/** Grafana's time range, kept in the address as dashboards keep it; none means all there is. */
import React from 'react';
import { rangeUtil, type TimeRange as Range } from '@grafana/data';
import { TimeRangeInput } from '@grafana/ui';
import { useSearch } from '../../address/search-params';

export function TimeRange() {
  const [params, setSearch] = useSearch();
  const [from, to] = [params.get('from'), params.get('to')];
  const raw = (text: string): string => (/^\d+$/.test(text) ? new Date(Number(text)).toISOString() : text);
  const value: Range | undefined =
    from === null ? undefined : rangeUtil.convertRawToRange({ from: raw(from), to: raw(to ?? 'now') });
  const text = (bound: Range['raw']['from']): string => (typeof bound === 'string' ? bound : String(bound.valueOf()));
  return (
    <div style={{ width: 190 }}>
      <TimeRangeInput
        clearable
        placeholder="All times"
        value={value ?? rangeUtil.convertRawToRange({ from: '', to: '' })}
        onChange={(range) => {
          const cleared = !range.from.isValid();
          setSearch(cleared ? { from: null, to: null } : { from: text(range.raw.from), to: text(range.raw.to) });
        }}
      />
    </div>
  );
}
