/** What can be changed about jobs. */
import { defineChange, type ChangeSpec, type Field } from '../../change/change-spec';

/** The values of a job's secrets, as its own fields of another try. */
const secretFields = (names: readonly string[]): Field[] =>
  names.map((name) => ({
    kind: 'secret',
    name: `secrets.${name}`,
    label: name.replaceAll('/', ' '),
    description: 'Was not kept: type it again',
  }));

export const jobChanges: ChangeSpec[] = [
  defineChange('jobs.cancel', { verb: 'Cancel job', title: ({ job_id }) => `Cancel ${String(job_id)}`, fields: [] }),
  defineChange('jobs.signal', {
    verb: 'Answer',
    title: ({ job_id, signal, verdict }) =>
      `${verdict === 'refuse' ? 'Refuse' : 'Give'} ${String(signal ?? 'the signal')} to ${String(job_id)}`,
    fields: [
      {
        kind: 'choice',
        name: 'verdict',
        label: 'Your word',
        options: [
          { value: 'proceed', label: 'proceed: the job goes on' },
          { value: 'refuse', label: 'refuse: the job ends, and what it did is undone' },
        ],
      },
    ],
  }),
  defineChange('jobs.retry', {
    verb: 'Try again',
    title: ({ job_id }) => `Try ${String(job_id)} again`,
    fields: [],
    more: async (client, { job_id }) =>
      secretFields((await client.read('jobs.get', { params: { job_id: String(job_id) } })).secrets),
  }),
];
