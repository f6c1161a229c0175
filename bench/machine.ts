// What the figures were taken on, without saying whose machine it is.
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { onPath } from '../launch/machine/programs.ts';

export function machineLine(): string {
  return [
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() || 'unnamed processor'})`,
    `${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
    `Node ${process.versions.node}`,
    `${type()} ${release()}`,
    `store: ${onPath('mongod') ? 'mongod on PATH' : 'SecantusDB, the embedded stand-in for MongoDB'}`,
  ].join(', ');
}

/** Others' work shows here: above one or two, times are worth less; ratios and counts stand. */
export const loadNow = (): number => Number(loadavg()[0]!.toFixed(1));
