// Which environment a request is about: nothing is inferred where there are several, for any operation.
import { expect, it } from '@jest/globals';
import { allOperations, environmentOf } from '@cloudlysis/contract';
import { environmentIn, withEnvironment } from './environment-choice.ts';

const partsOf = (named: object) => ({ params: {}, query: named, body: named, secrets: new Map() }) as never;
const SEVERAL = ['dev', 'staging', 'prod'];

it.each(allOperations().map((operation) => [operation.id, operation] as const))('GEN-29 %s', (_, operation) => {
  const rule = environmentOf(operation);
  const at = (named: object, choice: readonly string[]) => () => environmentIn(operation, partsOf(named), choice);
  if (rule === null) {
    for (const choice of [['prod'], SEVERAL]) expect(at({}, choice)()).toBeNull();
    return;
  }
  expect(at({}, ['prod'])()).toBe('prod');
  expect(at({ environment: 'staging' }, SEVERAL)()).toBe('staging');
  for (const choice of [['prod'], SEVERAL])
    expect(at({ environment: 'elsewhere' }, choice)).toThrow(expect.objectContaining({ code: 'environment.unknown' }));
  if (rule === 'any') expect(at({}, SEVERAL)()).toBeNull();
  else
    expect(at({}, SEVERAL)).toThrow(
      expect.objectContaining({ code: 'environment.required', extra: { environments: SEVERAL } }),
    );
  // What changes something always names one environment, and what it says is part of what is asked.
  if (operation.mutation !== undefined) {
    expect(rule).toBe('one');
    expect(withEnvironment(operation, partsOf({}), 'staging').body).toEqual({ environment: 'staging' });
  }
});
