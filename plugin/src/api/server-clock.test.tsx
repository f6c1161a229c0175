import React from 'react';
import { act, render, screen } from '@testing-library/react';
import fc from 'fast-check';
import { setBackendSrv, type BackendSrv, type BackendSrvRequest } from '@grafana/runtime';
import { of, throwError } from 'rxjs';
import { BrowserClock, clockSentence } from '../frame/BrowserClock';
import { recordTimes } from '../audit-records/record-times';
import { relativeTime, Time } from '../values/Time';
import { forgetClock, hearTime, serverTime, TIME_HEADER, toldAhead } from './server-clock';
import { proxyFetch } from './transport';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const TRUE_NOW = Date.parse('2026-03-01T12:00:00Z');
const iso = (at: number): string => new Date(at).toISOString();

/** Grafana's fetch before a control plane that says its time, in a browser whose clock is off. */
function answering(aheadMs: number, { status = 200, said = iso(TRUE_NOW) as string | null } = {}): void {
  jest.useFakeTimers({ now: TRUE_NOW + aheadMs, doNotFake: ['queueMicrotask', 'nextTick'] });
  const answer = { status, data: '{}', headers: new Headers(said === null ? {} : { [TIME_HEADER]: said }) };
  const fetch = (config: BackendSrvRequest) =>
    status < 400 ? of({ ...answer, config }) : throwError(() => ({ ...answer, config }));
  setBackendSrv({ fetch } as unknown as BackendSrv);
}

afterEach(() => {
  jest.useRealTimers();
  forgetClock();
});

const OFFSETS = [
  0,
  12 * SECOND,
  -12 * SECOND,
  59 * SECOND,
  -61 * SECOND,
  25 * MINUTE,
  -25 * MINUTE,
  3 * DAY,
  -400 * DAY,
];

test.each(OFFSETS)(
  'NFR-07 UI-14 in a browser whose clock is %d ms off, relative times are right and absolute ones as ever',
  async (off) => {
    answering(off);
    await proxyFetch('/api/x');
    render(
      <>
        <Time at={iso(TRUE_NOW - SECOND)} />
        <Time at={iso(TRUE_NOW - 4 * MINUTE)} />
        <Time at={iso(TRUE_NOW + 2 * DAY + MINUTE)} />
      </>
    );
    const shown = ['just now', '4 min ago', 'in 2 d'].map((text) => screen.getByText(text));
    expect(shown.map((one) => one.getAttribute('datetime'))).toEqual([
      iso(TRUE_NOW - SECOND),
      iso(TRUE_NOW - 4 * MINUTE),
      iso(TRUE_NOW + 2 * DAY + MINUTE),
    ]);
  }
);

test.each(OFFSETS)('NFR-07 in a browser whose clock is %d ms off, the last hour is the last hour', async (off) => {
  answering(off);
  await proxyFetch('/api/x');
  expect(recordTimes(new URLSearchParams('from=now-1h&to=now'))).toEqual({ from: iso(TRUE_NOW - 60 * MINUTE) });
  expect(recordTimes(new URLSearchParams('from=now-2h&to=now-1h'))).toEqual({
    from: iso(TRUE_NOW - 120 * MINUTE),
    to: iso(TRUE_NOW - 60 * MINUTE),
  });
  // What is absolute stays as it was chosen.
  expect(recordTimes(new URLSearchParams(`from=${TRUE_NOW}`))).toEqual({ from: iso(TRUE_NOW) });
});

test('NFR-07 what just happened is never to come, whatever the clock and the way of the answer', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -400 * DAY, max: 400 * DAY }),
      fc.nat(2_000),
      fc.nat(2_000),
      fc.nat(10 * MINUTE),
      (off, there, back, later) => {
        forgetClock();
        const [asked, answered] = [TRUE_NOW + off, TRUE_NOW + off + there + back];
        hearTime(iso(TRUE_NOW + there), asked, answered);
        if (there + back > 2_000) {
          return;
        }
        // A record that was written as the answer was.
        expect(relativeTime(TRUE_NOW + there, serverTime(answered + later))).not.toMatch(/^in /);
        expect(Math.abs(serverTime(answered) - (TRUE_NOW + there + back))).toBeLessThanOrEqual(1_000);
      }
    )
  );
});

test.each([
  [59 * SECOND, null],
  [61 * SECOND, 'The clock of this browser is 1 min ahead of the control plane’s.'],
  [-61 * SECOND, 'The clock of this browser is 1 min behind the control plane’s.'],
  [25 * MINUTE, 'The clock of this browser is 25 min ahead of the control plane’s.'],
  [-3 * DAY, 'The clock of this browser is 3 d behind the control plane’s.'],
])('NFR-07 %d ms off: the strip says %p', async (off, said) => {
  answering(off);
  render(<BrowserClock className="strip" />);
  expect(screen.queryByRole('status')).toBeNull();
  await act(async () => void (await proxyFetch('/api/x')));
  if (said === null) {
    expect(screen.queryByRole('status')).toBeNull();
  } else {
    expect(screen.getByRole('status')).toHaveTextContent(said);
    // Set right, it is silent with the next answer.
    jest.setSystemTime(TRUE_NOW);
    await act(async () => void (await proxyFetch('/api/x')));
    expect(screen.queryByRole('status')).toBeNull();
  }
});

test.each([null, '', 'soon', '-', '9'.repeat(30)])('NFR-07 a time that says %p changes nothing', async (said) => {
  answering(25 * MINUTE);
  await proxyFetch('/api/x');
  answering(0, { said });
  await proxyFetch('/api/x');
  expect(toldAhead()).toBe(25 * MINUTE);
});

test('NFR-07 a refusal of the control plane tells its time as well, and one of Grafana tells none', async () => {
  answering(25 * MINUTE, { status: 403 });
  await proxyFetch('/api/x').catch(() => undefined);
  expect(toldAhead()).toBe(25 * MINUTE);
  expect(clockSentence(toldAhead()!)).toContain('25 min ahead');
});
