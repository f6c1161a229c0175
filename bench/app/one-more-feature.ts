// What every other page pays for one more feature: the app is built as it is and with a small feature added by its recipe.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { localDir, root } from '../../launch/machine/programs.ts';

/** Chunks as webpack tells of them: what each is made of is told by who asks for it. */
interface Stats {
  readonly chunks: readonly { readonly files: readonly string[]; readonly origins: readonly { request?: string }[] }[];
}

const SPARE = 'src/testing/spare-feature';
const LEFT_OUT = new Set(['node_modules', 'dist', 'tests', 'test-results']);

/** Page → bytes that are asked for when it is opened first, gzipped. */
type Weights = ReadonlyMap<string, number>;

export interface Growth {
  readonly page: string;
  readonly bytes: number;
}

/** By page, in bytes of gzip. */
export function growthByOneFeature(): Growth[] {
  const folder = join(localDir, 'bench-feature');
  rmSync(folder, { recursive: true, force: true });
  try {
    const before = built(join(folder, 'before'), () => undefined);
    const after = built(join(folder, 'after'), addFeature);
    return [...before].map(([page, size]) => ({ page, bytes: (after.get(page) ?? NaN) - size }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function built(folder: string, change: (folder: string) => void): Weights {
  const plugin = join(folder, 'plugin');
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, 'contract'), join(folder, 'contract'), { recursive: true, filter: isCopied });
  cpSync(join(root, 'plugin'), plugin, { recursive: true, filter: isCopied });
  symlinkSync(join(root, 'plugin', 'node_modules'), join(plugin, 'node_modules'));
  change(folder);
  const stats = join(folder, 'stats.json');
  const webpack = join(plugin, 'node_modules', 'webpack-cli', 'bin', 'cli.js');
  const args = [webpack, '-c', './webpack.config.mjs', '--env', 'production', '--no-cache', `--json=${stats}`];
  execFileSync(process.execPath, args, { cwd: plugin, stdio: ['ignore', 'ignore', 'pipe'] });
  return weights(JSON.parse(readFileSync(stats, 'utf8')) as Stats, join(plugin, 'dist'));
}

const isCopied = (path: string): boolean => !LEFT_OUT.has(basename(path));

/** As CONTRIBUTING says it: its folder, its line in the list, and three operations in the contract’s table of routes. */
function addFeature(folder: string): void {
  const plugin = join(folder, 'plugin');
  cpSync(join(plugin, SPARE), join(plugin, 'src/features/spares'), { recursive: true });
  edit(join(plugin, 'src/shell/features.ts'), (text) =>
    text
      .replace('\nexport const', "import { spares } from '../features/spares/feature';\n\nexport const")
      .replace('= [', '= [spares, '),
  );
  edit(join(folder, 'contract/src/client/routes.ts'), (text) =>
    text
      .replace('READ_ROUTES = {', "READ_ROUTES = {\n  'spares.list': '/spares',")
      .replace(
        'CHANGE_ROUTES = {',
        "CHANGE_ROUTES = {\n  'spares.put': 'PUT /spares/:spare_id',\n  'spares.swap': 'POST /spares/:spare_id/swap',",
      ),
  );
}

function edit(file: string, change: (text: string) => string): void {
  const before = readFileSync(file, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`${file} is not as this benchmark expects it`);
  writeFileSync(file, after);
}

function weights({ chunks }: Stats, dist: string): Weights {
  const scripts = (request: string): string[] =>
    chunks
      .filter(({ origins }) => origins.some((origin) => origin.request === request))
      .flatMap(({ files }) => files.map((file) => file.replace(/\?.*/, '')));
  const asked = chunks.flatMap(({ origins }) => origins.map(({ request = '' }) => request));
  const pages = [...new Set(asked)].filter((request) => /^\.\/\w+Page$/.test(request));
  const first = ['module.js', ...scripts('./shell/App')];
  const size = (name: string): number => gzipSync(readFileSync(join(dist, name)), { level: 9 }).length;
  return new Map(
    pages.map((page) => {
      const files = new Set([...first, ...scripts(page)]);
      return [page.slice(2), [...files].reduce((sum, name) => sum + size(name), 0)];
    }),
  );
}
