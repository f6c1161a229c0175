/** What the changes of a plain record are asked with: kinds and choices of its fields come from the contract. */
import { fieldOf, type Words } from '../change/field-of';
import { formOf, type Field, type FormSpec } from '../change/form-spec';

/** Of a resource, what forms need. */
interface Asked {
  readonly name: string;
  readonly spec: { readonly key: object };
  readonly mutations: Readonly<Record<string, FormSpec['of']>>;
}

/** A field is made by hand where its choices are the service's to tell. */
type Given = Words | ((of: FormSpec['of'], name: string) => Field);

/** The words of its key and fields by name, in order. */
export function recordForms(
  { name, spec, mutations }: Asked,
  given: Readonly<Record<string, Given>>
): readonly FormSpec[] {
  const [put, remove] = [mutations[`${name}.put`]!, mutations[`${name}.remove`]!];
  const fields = Object.entries(given).map(([field, words]) =>
    typeof words === 'function' ? words(put, field) : fieldOf(put, field, words)
  );
  const isKey = (field: Field): boolean => Object.hasOwn(spec.key, field.name);
  return [
    formOf(put, {
      initial: { expected_version: 0 },
      fields: fields.filter((field) => !isKey(field)),
      // Which one it is is asked of a new one alone: another key, and the version that was read would be of another record.
      more: async (_client, { expected_version }) => (expected_version ? [] : fields.filter(isKey)),
    }),
    formOf(remove),
  ];
}
