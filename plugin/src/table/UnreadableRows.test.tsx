import React from 'react';
import { render, screen } from '@testing-library/react';
import { UnreadableRows } from './UnreadableRows';

const rows = (size: number) =>
  Array.from({ length: size }, (_, n) => ({ id: `x${n}`, reason: 'order: it is no number' }));

test('UI-14 what a list left out is told in one line, with the first by name; nothing is said where nothing is', () => {
  const { rerender, container } = render(<UnreadableRows rows={rows(5)} />);
  expect(
    screen.getByText(/^5 records cannot be read: x0 \(order: it is no number\), x1 .*, x2 .* and 2 more$/)
  ).toBeInTheDocument();
  rerender(<UnreadableRows rows={rows(1)} />);
  expect(screen.getByText('1 record cannot be read: x0 (order: it is no number)')).toBeInTheDocument();
  rerender(<UnreadableRows rows={undefined} />);
  expect(container).toBeEmptyDOMElement();
});
