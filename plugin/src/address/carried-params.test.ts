import fc from 'fast-check';
import { paths } from './paths';
import { carry } from './carried-params';

const CARRIED = ['var-tenant_id', 'from', 'to'];

const query = fc
  .dictionary(fc.oneof(fc.constantFrom(...CARRIED, 'state', 'sort'), fc.string({ minLength: 1 })), fc.string())
  .map((entries) => new URLSearchParams(entries));
const paramsOf = (href: string) => new URLSearchParams(href.split('?')[1]);
const linkTo = (search: URLSearchParams) => `/a/app/jobs${search.size === 0 ? '' : `?${search.toString()}`}`;

test('MIS-07 the tenant and the time range travel through every link', () => {
  const here = new URLSearchParams('var-tenant_id=acme&from=now-1h&to=now&state=failed');
  expect(carry(paths.jobs(), here)).toBe(`${paths.jobs()}?var-tenant_id=acme&from=now-1h&to=now`);
  expect(carry(paths.tenant('other'), here)).toContain('var-tenant_id=other');
});

test('MIS-07 what the link says wins, what is carried survives, nothing else comes along', () => {
  fc.assert(
    fc.property(query, query, (own, here) => {
      const there = paramsOf(carry(linkTo(own), here));
      for (const [name, value] of own) {
        expect(there.get(name)).toBe(value);
      }
      for (const name of CARRIED.filter((one) => !own.has(one))) {
        expect(there.get(name)).toBe(here.get(name));
      }
      expect([...there.keys()].every((name) => own.has(name) || CARRIED.includes(name))).toBe(true);
    })
  );
});

test('carrying twice is carrying once', () => {
  fc.assert(
    fc.property(query, query, (own, here) => {
      const once = carry(linkTo(own), here);
      expect(carry(once, here)).toBe(once);
    })
  );
});
