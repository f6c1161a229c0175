/** Says when this browser's clock is off: what it shows elsewhere does not fit the times here. */
import React, { useSyncExternalStore } from 'react';
import { Icon } from '@grafana/ui';
import { onClockChange, toldAhead } from '../api/server-clock';
import { span } from '../values/Time';

/** Pure: the sentence. */
export const clockSentence = (aheadMs: number): string =>
  `The clock of this browser is ${span(Math.abs(aheadMs) / 1_000)} ${aheadMs < 0 ? 'behind' : 'ahead of'} the control plane’s.`;

export function BrowserClock({ className }: { className: string }) {
  const aheadMs = useSyncExternalStore(onClockChange, toldAhead);
  return aheadMs === null ? null : (
    <div className={className} role="status">
      <Icon name="clock-nine" />
      <span>
        <strong>{clockSentence(aheadMs)}</strong> Times here go by the control plane’s: “4 min ago” is right, and what
        your own notes say may not be.
      </span>
    </div>
  );
}
