/** What the changes of jobs are asked with. */
import { jobMutations } from '@cloudlysis/contract';
import { fieldOf } from '../../change/field-of';
import { formOf, type FormSpec, type Field } from '../../change/form-spec';

/** The values of a job's secrets, as its own fields of another try. */
const secretFields = (names: readonly string[]): Field[] =>
  names.map((name) => ({
    kind: 'secret',
    name: `secrets.${name}`,
    label: name.replaceAll('/', ' '),
    description: 'Was not kept: type it again',
  }));

export const jobForms: readonly FormSpec[] = [
  formOf(jobMutations['jobs.cancel']),
  formOf(jobMutations['jobs.signal'], {
    fields: [
      fieldOf(jobMutations['jobs.signal'], 'verdict', {
        label: 'Your word',
        options: {
          proceed: 'proceed: the job goes on',
          refuse: 'refuse: the job ends, and what it did is undone',
        },
      }),
    ],
  }),
  formOf(jobMutations['jobs.retry'], {
    fields: [],
    more: async (client, { job_id }) =>
      secretFields((await client.read('jobs.get', { params: { job_id: String(job_id) } })).secrets),
  }),
];
