import { howMany } from './Toolbar';

test.each([
  [null, null, false, ''],
  [100, 1_204, true, '1\u202f204 tenants'],
  [200, null, true, '200+ tenants'],
  [7, null, false, '7 tenants'],
  [1, 1, false, '1 tenant'],
  [0, 0, false, '0 tenants'],
])('UI-14 %p read of %p with more to come %p: "%s"', (shown, total, more, text) =>
  expect(howMany('tenants', shown, total, more)).toBe(text)
);
