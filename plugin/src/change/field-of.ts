/** A field as the contract has it: its kind and its choices come from the schema, its words from the form. */
import { holdsSecrets } from '@cloudlysis/contract';
import { z } from 'zod';
import type { Option } from '../values/options';
import type { Field, FormSpec } from './form-spec';

export interface Words {
  readonly label: string;
  readonly description?: string;
  readonly placeholder?: string;
  readonly unit?: string;
  /** What a choice or a member says, by its word in the contract; the word itself unless told. */
  readonly options?: Readonly<Record<string, string>>;
  /** How a value of any shape is written; JSON unless told. */
  readonly written?: 'json' | 'yaml';
}

/** @throws Error for a name that the operation has no place for, or whose shape no field has */
export function fieldOf({ submit }: FormSpec['of'], name: string, words: Words): Field {
  const found = [submit.params, submit.body].map((schema) => within(schema, name.split('.'))).find(Boolean) as
    z.ZodType | undefined;
  const { options, written, ...said } = words;
  const kind = found && kindOf(found, options, written);
  if (!kind) {
    throw new Error(`${submit.id}: no field fits ${name}`);
  }
  if (kind.kind !== 'secret' && holdsSecrets(found)) {
    throw new Error(`${submit.id}: ${name} has a secret in it, which needs a field of its own`);
  }
  return { name, ...said, ...kind } as Field;
}

type Schema = z.core.$ZodType;
type Kind = { kind: Field['kind'] } & Record<string, unknown>;

const bare = (schema: Schema): Schema =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault
    ? bare(schema.unwrap())
    : schema;

function within(schema: Schema, [step, ...rest]: readonly string[]): Schema | undefined {
  const at = bare(schema);
  if (step === undefined) {
    return at;
  }
  const inner = at instanceof z.ZodObject && Object.hasOwn(at.shape, step) ? (at.shape[step] as Schema) : undefined;
  return inner && within(inner, rest);
}

const isSecret = (schema: Schema): boolean => schema instanceof z.ZodType && schema.meta()?.['writeOnly'] === true;

function kindOf(schema: Schema, options: Words['options'] = {}, written: 'json' | 'yaml' = 'json'): Kind | undefined {
  const choices = (of: z.ZodEnum): Option[] =>
    of.options.map((word) => ({ value: String(word), label: options[word] ?? String(word) }));
  if (isSecret(schema)) {
    return { kind: 'secret' };
  }
  if (schema instanceof z.ZodEnum) {
    return { kind: 'choice', options: choices(schema) };
  }
  if (schema instanceof z.ZodArray) {
    const member = bare(schema.element);
    return member instanceof z.ZodEnum ? { kind: 'choices', options: choices(member) } : { kind: written };
  }
  if (schema instanceof z.ZodRecord) {
    const inner = kindOf(bare(schema.valueType))?.kind;
    return inner === 'text' || inner === 'number' || inner === 'boolean'
      ? { kind: 'map', values: inner }
      : { kind: written };
  }
  if (schema instanceof z.ZodISODateTime) {
    return { kind: 'date-time' };
  }
  if (schema instanceof z.ZodNumber) {
    return { kind: 'number' };
  }
  if (schema instanceof z.ZodBoolean) {
    return { kind: 'boolean' };
  }
  if (schema instanceof z.ZodString || schema instanceof z.ZodStringFormat) {
    return { kind: 'text' };
  }
  const isAnything = schema instanceof z.ZodUnknown || schema instanceof z.ZodObject || schema instanceof z.ZodUnion;
  return isAnything ? { kind: written } : undefined;
}
