/** Writes records as JSON Lines, CSV or CloudEvents, oldest first, window by window: memory stays flat. */
import { CloudEvent } from 'cloudevents';
import { stringify } from 'csv-stringify/sync';
import { AuditRecord } from '@cloudlysis/contract';
import { readRows, type Unreadable } from '../../kernel/bad-records.ts';
import { wireRecord, type PlacedRecord } from '../record/audit-record.ts';

export type ExportFormat = 'jsonl' | 'csv' | 'cloudevents';

export interface Encoding {
  readonly type: string;
  readonly extension: string;
  readonly start: string;
  /** `first` is true for the first records of the file. */
  window(records: readonly AuditRecord[], first: boolean): string;
  readonly end: string;
}

const COLUMNS = Object.keys(AuditRecord.shape);

/** RFC 4180, with a header. `escape_formulas`: a cell that starts like a formula gets an apostrophe, for spreadsheets run it. */
const csv = (rows: unknown[][]): string =>
  stringify(rows, {
    record_delimiter: 'windows',
    escape_formulas: true,
    // A lone CR or LF would be left bare, and RFC 4180 wants it in quotes.
    quoted_match: /[\r\n]/,
    cast: { object: (value) => JSON.stringify(value) },
  });

const ENCODINGS: Readonly<Record<ExportFormat, Encoding>> = {
  jsonl: {
    type: 'application/x-ndjson',
    extension: 'jsonl',
    start: '',
    window: (records) => records.map((record) => `${JSON.stringify(record)}\n`).join(''),
    end: '',
  },
  csv: {
    type: 'text/csv',
    extension: 'csv',
    start: csv([COLUMNS]),
    window: (records) => csv(records.map((record) => COLUMNS.map((column) => record[column as keyof AuditRecord]))),
    end: '',
  },
  cloudevents: {
    type: 'application/cloudevents-batch+json',
    extension: 'json',
    start: '[',
    window: (records, first) => `${first ? '\n' : ',\n'}${records.map(eventOf).join(',\n')}`,
    end: '\n]\n',
  },
};

/** `sequence` is the CloudEvents extension of that name: the place in the chain. */
function eventOf(record: AuditRecord): string {
  const event = new CloudEvent(
    {
      id: record.record_id,
      source: `/cloudlysis/control/${encodeURIComponent(record.environment)}`,
      type: `com.cloudlysis.audit.${record.code}`,
      // It may be absent and not empty.
      ...(record.resource === '' ? {} : { subject: record.resource }),
      time: record.at,
      datacontenttype: 'application/json',
      sequence: String(record.seq),
      data: record,
    },
    // Its types are the contract's; what it would throw for one record takes away all behind it.
    false,
  );
  return JSON.stringify(event.toJSON());
}

export const encodingOf = (format: ExportFormat): Encoding => ENCODINGS[format];

/** The file in pieces, without what cannot be read; `count` is told of each window, and of what it lacks, before its bytes go out. */
export async function* encoded(
  encoding: Encoding,
  windows: AsyncIterable<readonly PlacedRecord[]>,
  count: (records: number, unreadable: readonly Unreadable[]) => void,
): AsyncGenerator<string> {
  if (encoding.start) yield encoding.start;
  let first = true;
  for await (const records of windows) {
    const { items, unreadable } = readRows(records, wireRecord, AuditRecord);
    count(items.length, unreadable);
    if (items.length === 0) continue;
    yield encoding.window(items, first);
    first = false;
  }
  if (encoding.end) yield encoding.end;
}
