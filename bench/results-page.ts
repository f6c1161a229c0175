// RESULTS.md, written whole: a table per part, each figure beside its floor or peer, and met or not with the reason.
import type { Figure, Section } from './figure.ts';

export interface Run {
  readonly date: string;
  readonly machine: string;
  readonly load: number;
  readonly seconds: number;
}

export function resultsPage({ date, machine, load, seconds }: Run, sections: readonly Section[]): string {
  const figures = sections.flatMap((section) => section.figures);
  const goals = figures.filter(({ goal }) => goal !== undefined);
  const missed = goals.filter(({ met }) => met === false);
  return [
    '# Benchmarks',
    '',
    `Written by \`npm run bench\` on ${date} in ${Math.round(seconds)} s; do not edit. ${machine}. Load average before: ${load}.`,
    '',
    'Every figure is a median with its quartiles in brackets, over pairs taken in turn (A B, B A, …) with the floor or peer in the same run.',
    '',
    `**${goals.filter(({ met }) => met).length} of ${goals.length} goals met**${missed.length ? `; not met: ${missed.map(({ name }) => name).join(', ')}.` : '.'}`,
    '',
    ...sections.flatMap(sectionText),
  ].join('\n');
}

const sectionText = ({ title, how, figures }: Section): string[] => [
  `## ${title}`,
  '',
  how,
  '',
  '| figure | measured | beside | goal | |',
  '|---|---|---|---|---|',
  ...figures.map(row),
  '',
];

const row = ({ name, measured, beside, goal, met, why }: Figure): string =>
  `| ${[name, measured, beside || '–', goal ?? '–', verdict(met, why)].map(cell).join(' | ')} |`;

function verdict(met: boolean | null, why: string | undefined): string {
  const reason = why ? `: ${why}` : '';
  if (met === null) return why ?? '';
  return met ? `met${reason}` : `**not met**${reason}`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
