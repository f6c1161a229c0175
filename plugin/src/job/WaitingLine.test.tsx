import React from 'react';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen } from '@testing-library/react';
import { MemoryRouter, useLocation } from 'react-router';
import { readQuery } from '../api/queries';
import { WaitingLine, waitingWords, wordsOf, type Waiting } from './WaitingLine';

const since = '2026-11-21T09:26:00.000Z';
const job = { job_id: 'job_1', tenant_id: 'acme' };
const waiting = (about: Pick<Waiting, 'for' | 'what'> & Partial<Waiting>): Waiting => ({
  since,
  until: null,
  signal: null,
  ...about,
});
const Address = () => <output aria-label="Input">{new URLSearchParams(useLocation().search).get('input')}</output>;

/** To somebody who may answer. */
function shown(about: Pick<Waiting, 'for' | 'what'> & Partial<Waiting>) {
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  const { queryKey } = readQuery('identity.me', { query: { tenant_id: job.tenant_id } });
  queries.setQueryData(queryKey as readonly unknown[], {
    principal: { id: 'user:bob@acme.test', kind: 'user', email: 'bob@acme.test', via: 'grafana' },
    assignments: [],
    tenant_id: job.tenant_id,
    abilities: { 'jobs.signal': { allowed: true, reason: null } },
    environment: 'dev',
    version: '0.1.0',
    git_sha: null,
    mode: 'development',
  });
  return render(
    <QueryClientProvider client={queries}>
      <MemoryRouter>
        <WaitingLine job={job} waiting={waiting(about)} />
        <Address />
      </MemoryRouter>
    </QueryClientProvider>
  );
}

test('UI-22 a job that waits says for what, since when, until when, and what ends it', () => {
  const { unmount } = shown({ for: 'lane', what: 'tenant:acme' });
  expect(screen.getByRole('link', { name: 'jobs on tenant:acme' })).toHaveAttribute(
    'href',
    expect.stringContaining('lane=tenant%3Aacme&open=true')
  );
  unmount();
  shown({ for: 'replica', what: 'version 3 of scale.migrate' });
  expect(screen.getByText(/no replica that runs knows version 3 of scale\.migrate/)).toBeInTheDocument();
});

test('GEN-31 a wait for a signal says who can end it, and offers both words', () => {
  const signal = { permission: 'configs.approve', except: 'user:ada@acme.test', needed: 1, given: [] };
  shown({ for: 'signal', what: 'approval', until: '2026-11-22T09:26:00.000Z', signal });
  expect(
    screen.getByText(/Anybody with configs\.approve, other than ada@acme\.test can say proceed/)
  ).toBeInTheDocument();
  expect(screen.getByRole('button', { name: 'Proceed …' })).toBeEnabled();
  fireEvent.click(screen.getByRole('button', { name: 'Refuse …' }));
  expect(JSON.parse(screen.getByLabelText('Input').textContent ?? '')).toEqual({
    job_id: 'job_1',
    signal: 'approval',
    verdict: 'refuse',
  });
});

test('GEN-31 who has said so already is named', () => {
  const given = [{ by: 'user:bob@acme.test', at: since }];
  expect(wordsOf({ permission: 'configs.approve', except: null, needed: 2, given })).toBe(
    '2 people with configs.approve can say proceed or refuse. So far: bob@acme.test.'
  );
});

test('UI-22 a wait for a time or for jobs that were started says so', () => {
  const { unmount } = shown({ for: 'time', what: since, until: since });
  expect(screen.getByText(/it goes on by itself/)).toBeInTheDocument();
  unmount();
  shown({ for: 'children', what: '2 of 12 jobs that it starts have ended, 3 under way' });
  expect(screen.getByText(/2 of 12 jobs that it starts have ended, 3 under way, since/)).toBeInTheDocument();
});

test('UI-22 where there is little room it is one sentence, and nothing where it does not wait', () => {
  const words = (about: Pick<Waiting, 'for' | 'what'>) => waitingWords(waiting(about));
  expect(words({ for: 'lane', what: 'tenant:acme' })).toBe('waits for its turn on tenant:acme');
  expect(words({ for: 'replica', what: 'the kind x' })).toBe('waits for a replica that knows the kind x');
  expect(words({ for: 'signal', what: 'approval' })).toBe('waits for approval');
  expect(words({ for: 'time', what: since })).toBe('waits for its time');
  expect(words({ for: 'children', what: '1 of 2' })).toBe('1 of 2');
  expect(waitingWords(null)).toBeUndefined();
  expect(waitingWords(undefined)).toBeUndefined();
});
