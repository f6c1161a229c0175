/** Above a table: search, filters to add, how many there are, and the filters that hold as chips. */
import React, { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, Combobox, FilterInput, Stack, Text, useStyles2 } from '@grafana/ui';
import { useSearch } from '../address/search-params';
import type { Filter } from '../table/columns';
import type { Option } from '../values/options';
import { count } from '../values/figures';

interface Spec {
  readonly noun: string;
  readonly search?: string;
  readonly searchHint?: string;
}

interface Props {
  spec: Spec;
  filters: readonly Filter[];
  /** Rows read so far; null while there are none yet. */
  shown: number | null;
  total: number | null;
  more: boolean;
  children?: ReactNode;
}

export function Toolbar({ spec, filters, shown, total, more, children }: Props) {
  const styles = useStyles2(getStyles);
  return (
    <div role="search" aria-label={`Find ${spec.noun}`}>
      <div className={styles.bar}>
        {spec.search && <SearchField name={spec.search} hint={spec.searchHint ?? `Search ${spec.noun}`} />}
        {filters
          .filter(({ linked }) => linked !== true)
          .map((filter) => (
            <FilterField key={filter.name} filter={filter} />
          ))}
        {children}
        <span className={styles.count} aria-live="polite">
          <Text color="secondary">{howMany(spec.noun, shown, total, more)}</Text>
        </span>
      </div>
      <Chips filters={filters} />
    </div>
  );
}

/** Pure: `1 204 tenants`; where the service does not count, what was read: `200+ jobs`. */
export function howMany(noun: string, shown: number | null, total: number | null, more: boolean): string {
  const known = total ?? shown;
  if (known === null) {
    return '';
  }
  return `${count(known)}${total === null && more ? '+' : ''} ${known === 1 ? noun.replace(/s$/, '') : noun}`;
}

const TYPING_MS = 250;

/** What is typed shows at once; the address, and with it the request, follows when typing rests. */
function SearchField({ name, hint }: { name: string; hint: string }) {
  const [params, setSearch] = useSearch();
  const inAddress = params.get(name) ?? '';
  const [typed, setTyped] = useState(inAddress);
  const sent = useRef(inAddress);
  useEffect(() => {
    if (inAddress !== sent.current) {
      sent.current = inAddress;
      setTyped(inAddress);
    }
  }, [inAddress]);
  useEffect(() => {
    if (typed === sent.current) {
      return;
    }
    const timer = setTimeout(() => {
      sent.current = typed;
      setSearch({ [name]: typed });
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, name, setSearch]);
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.search}>
      <FilterInput placeholder={hint} aria-label={hint} value={typed} onChange={setTyped} escapeRegex={false} />
    </div>
  );
}

function FilterField({ filter }: { filter: Filter }) {
  const [, setSearch] = useSearch();
  const id = useId();
  const styles = useStyles2(getStyles);
  const load = filter.options;
  const options = typeof load === 'function' ? (typed: string) => matching(load, typed) : [...(load ?? [])];
  return (
    <div className={styles.filter}>
      <span id={id} className="sr-only">{`Filter by ${filter.label.toLowerCase()}`}</span>
      <Combobox
        // Each choice becomes a chip; the field is free for the next one.
        aria-labelledby={id}
        placeholder={filter.label}
        options={options}
        value={null}
        createCustomValue={filter.options === undefined}
        width="auto"
        minWidth={10}
        maxWidth={26}
        onChange={(option) => setSearch({ [filter.name]: option.value })}
      />
    </div>
  );
}

const matching = async (load: () => Promise<Option[]>, typed: string): Promise<Option[]> =>
  (await load()).filter(({ label }) => label.toLowerCase().includes(typed.toLowerCase()));

function Chips({ filters }: { filters: readonly Filter[] }) {
  const [params, setSearch] = useSearch();
  const styles = useStyles2(getStyles);
  const held = filters.flatMap((filter) => {
    const value = params.get(filter.name);
    return value ? [{ filter, value }] : [];
  });
  if (held.length === 0) {
    return null;
  }
  return (
    <div className={styles.chips}>
      <Stack gap={1} wrap="wrap">
        {held.map(({ filter, value }) => (
          <Button
            key={filter.name}
            size="sm"
            variant="secondary"
            icon="times"
            iconPlacement="right"
            aria-label={`Remove filter ${filter.label}: ${labelOf(filter, value)}`}
            onClick={() => setSearch({ [filter.name]: null })}
          >
            {`${filter.label}: ${labelOf(filter, value)}`}
          </Button>
        ))}
        {held.length > 1 && (
          <Button
            size="sm"
            fill="text"
            variant="secondary"
            onClick={() => setSearch(Object.fromEntries(held.map(({ filter }) => [filter.name, null])))}
          >
            Clear all
          </Button>
        )}
      </Stack>
    </div>
  );
}

const labelOf = (filter: Filter, value: string): string =>
  (Array.isArray(filter.options)
    ? (filter.options as Option[]).find((option) => option.value === value)?.label
    : null) ?? value;

const getStyles = (theme: GrafanaTheme2) => ({
  bar: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(1) }),
  search: css({ flex: '1 1 220px', maxWidth: 360 }),
  filter: css({ flex: 'none' }),
  count: css({ marginLeft: 'auto', whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }),
  chips: css({ marginTop: theme.spacing(1) }),
});
