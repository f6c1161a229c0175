// One part of the benchmark in a process of its own: its heap, its compiled code and its crash touch no other figure.
import { join } from 'node:path';
import type { Section } from './figure.ts';

interface PartModule {
  measure(): Promise<Section>;
}

const part = process.argv[2] ?? '';
const { measure } = (await import(join(import.meta.dirname, `${part}.ts`))) as PartModule;
const section = await measure();
process.send?.(section, () => process.exit(0));
