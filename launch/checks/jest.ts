// Runs jest on the packages of the root and counts its tests.
import { join } from 'node:path';
import { countTests, type Check, type Count } from './checks.ts';
import { root } from '../machine/programs.ts';

export function jest(args: readonly string[]): Promise<Count> {
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const NODE_OPTIONS = [process.env['NODE_OPTIONS'], ...flags].filter(Boolean).join(' ');
  const check = (file: string): Check => ({
    name: 'jest',
    args: [join(root, 'node_modules', 'jest', 'bin', 'jest.js'), ...args],
    env: { NODE_OPTIONS, CLOSING_COUNT_FILE: file },
  });
  return countTests(check, (result) => result as Count);
}
