import React from 'react';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import { MemoryRouter } from 'react-router';
import type { Job } from '@cloudlysis/contract';
import { readKey, readQuery } from '../api/queries';
import { ChildJobs } from './ChildJobs';

const asked = { query: { parent_job_id: 'job_1', limit: 200 } };
const jobIn = (job_id: string, state: Job['state']) =>
  ({
    job_id,
    state,
    kind: 'tenants.pause',
    tenant_id: job_id,
    resource: `tenant:${job_id}`,
    problem: null,
    about: {},
  }) as Partial<Job> as Job;

test('UI-15 what was read of the children before the end of their parent is read once more after it, and only then', () => {
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } });
  const items = [jobIn('job_2', 'succeeded'), jobIn('job_3', 'running')];
  queries.setQueryData(readQuery('jobs.list', asked).queryKey as readonly unknown[], { items });
  const isDoubted = () => queries.getQueryState(readKey('jobs.list', asked))!.isInvalidated;
  const whole = (state: Job['state']) => (
    <QueryClientProvider client={queries}>
      <MemoryRouter>
        <ChildJobs job={jobIn('job_1', state)} />
      </MemoryRouter>
    </QueryClientProvider>
  );
  const { rerender } = render(whole('running'));
  expect(screen.getByText(/1 of 2 ended/)).toBeInTheDocument();
  rerender(whole('running'));
  expect(isDoubted()).toBe(false);
  rerender(whole('succeeded'));
  expect(isDoubted()).toBe(true);
});
