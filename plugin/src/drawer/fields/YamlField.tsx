/** A value of any shape as YAML 1.2, which takes JSON as well. A chunk of its own: few changes have one. */
import React from 'react';
import { numberFault } from '@cloudlysis/contract';
import { isMap, isScalar, parseDocument, stringify, visit } from 'yaml';
import { WrittenField, type Syntax } from './WrittenField';

/** Aliases that are followed at most: a few lines may stand for gigabytes. */
const MOST_ALIASES = 100;

export const YAML_SYNTAX: Syntax = {
  read: (text) => {
    const document = parseDocument(text, { prettyErrors: true });
    const [first] = document.errors;
    if (first) {
      throw new Error(`This is no YAML: ${first.message.split('\n')[0]?.replace(/:$/, '')}`);
    }
    visit(document, {
      Scalar: (_, { value, source }) => {
        const fault = typeof value === 'number' ? numberFault(source ?? String(value)) : null;
        if (fault !== null || (typeof value === 'number' && !Number.isFinite(value))) {
          throw new Error(fault ?? `${source} is no number of JSON`);
        }
      },
      Pair: (_, { key }) => {
        if (isMap(key) || (isScalar(key) && typeof key.value !== 'string')) {
          throw new Error(`${String(key)} is no name: names are texts`);
        }
      },
    });
    // What refers to itself has no form in JSON, and ends here.
    return JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: MOST_ALIASES }))) as unknown;
  },
  write: (value) => stringify(value),
};

export const YamlField = (props: Omit<Parameters<typeof WrittenField>[0], 'syntax'>) => (
  <WrittenField {...props} syntax={YAML_SYNTAX} />
);
