import { recordTimes } from './record-times';

const times = (query: string) => recordTimes(new URLSearchParams(query));

test('MIS-07 Grafana’s time range becomes the service’s instants', () => {
  expect(times('from=2026-01-01T00:00:00.000Z&to=1767312000000')).toEqual({
    from: '2026-01-01T00:00:00.000Z',
    to: '2026-01-02T00:00:00.000Z',
  });
});

test('"until now" has no end, and no range is all there is', () => {
  expect(times('')).toEqual({});
  expect(Object.keys(times('from=now-1h&to=now'))).toEqual(['from']);
});

test('a relative range is the same question for a minute', () => {
  jest.useFakeTimers();
  try {
    const at = (now: string) => {
      jest.setSystemTime(new Date(now));
      return times('from=now-1h');
    };
    expect(at('2026-01-01T12:00:01Z')).toEqual({ from: '2026-01-01T11:00:00.000Z' });
    expect(at('2026-01-01T12:00:59Z')).toEqual({ from: '2026-01-01T11:00:00.000Z' });
    expect(at('2026-01-01T12:01:00Z')).toEqual({ from: '2026-01-01T11:01:00.000Z' });
  } finally {
    jest.useRealTimers();
  }
});

test.each(['from=yesterday', 'from=now-', 'from=', 'to=%00'])('%s bounds nothing', (query) =>
  expect(times(query)).toEqual({})
);
