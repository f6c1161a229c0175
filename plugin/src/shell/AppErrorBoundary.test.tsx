import React from 'react';
import { render, screen } from '@testing-library/react';
import { AppErrorBoundary, isStaleChunk, mayReload } from './AppErrorBoundary';

const gone = (chunk: string): Error =>
  Object.assign(new Error(`Loading chunk ${chunk} failed.`), { name: 'ChunkLoadError' });

beforeEach(() => sessionStorage.clear());

test('NFR-07 a chunk that an upgrade took away reloads the page once', () => {
  expect(mayReload(gone('81'), sessionStorage)).toBe(true);
  expect(mayReload(gone('81'), sessionStorage)).toBe(false);
});

test('NFR-07 each upgrade has its own reload', () => {
  expect([gone('81'), gone('7')].map((error) => mayReload(error, sessionStorage))).toEqual([true, true]);
});

test('no other error reloads anything', () => {
  expect(mayReload(new Error('rows is undefined'), sessionStorage)).toBe(false);
  expect(isStaleChunk(new TypeError('Failed to fetch dynamically imported module: http://x/a.js'))).toBe(true);
});

test('an error while drawing is shown with what it was and a way on', () => {
  const quiet = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const Broken = (): never => {
    throw new Error('rows is undefined');
  };
  render(
    <AppErrorBoundary>
      <Broken />
    </AppErrorBoundary>
  );
  expect(screen.getByText('This page broke')).toBeInTheDocument();
  expect(screen.getByText(/rows is undefined\. Running jobs are not affected/)).toBeInTheDocument();
  expect(screen.getByRole('button', { name: 'Reload' })).toBeInTheDocument();
  quiet.mockRestore();
});
