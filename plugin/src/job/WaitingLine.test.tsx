import React from 'react';
import { render, screen } from '@testing-library/react';
import { MemoryRouter } from 'react-router';
import { WaitingLine, waitingWords } from './WaitingLine';

const since = '2026-11-21T09:26:00.000Z';

test('GEN-34 a job that waits says for what, since when, and what ends it', () => {
  const { unmount } = render(<WaitingLine waiting={{ for: 'lane', what: 'tenant:acme', since }} />, {
    wrapper: MemoryRouter,
  });
  expect(screen.getByRole('link', { name: 'jobs on tenant:acme' })).toHaveAttribute(
    'href',
    expect.stringContaining('lane=tenant%3Aacme&open=true')
  );
  unmount();
  render(<WaitingLine waiting={{ for: 'replica', what: 'version 3 of scale.migrate', since }} />, {
    wrapper: MemoryRouter,
  });
  expect(screen.getByText(/no replica that runs knows version 3 of scale\.migrate/)).toBeInTheDocument();
});

test('GEN-34 where there is little room it is one sentence, and nothing where it does not wait', () => {
  expect(waitingWords({ for: 'lane', what: 'tenant:acme', since })).toBe('waits for its turn on tenant:acme');
  expect(waitingWords({ for: 'replica', what: 'the kind x', since })).toBe('waits for a replica that knows the kind x');
  expect(waitingWords(null)).toBeUndefined();
  expect(waitingWords(undefined)).toBeUndefined();
});
