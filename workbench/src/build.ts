// Bundles the host for one package root into its `dist/`, unless the same sources and packages already were.
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

export type HostMajor = '12' | '13';

const WORKBENCH = join(import.meta.dirname, '..');
const SOURCES = join(import.meta.dirname, 'host');

export const packageRoot = (major: HostMajor) => join(WORKBENCH, `grafana-${major}`);

/** Resolves to the bundle's fingerprint. Throws when the package root is not installed. */
export async function buildHost(major: HostMajor): Promise<string> {
  const root = packageRoot(major);
  if (!existsSync(join(root, 'node_modules'))) throw new Error(`Run \`npm ci\` in workbench/grafana-${major} first.`);
  const fingerprint = fingerprintOf(root);
  const stamp = join(root, 'dist', '.fingerprint');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint) return fingerprint;
  // Beside, then in place: another process may be serving the old one, or building the same.
  const fresh = mkdtempSync(join(root, 'dist-'));
  try {
    await bundle(root, fresh);
    writeFileSync(join(fresh, '.fingerprint'), fingerprint);
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    renameSync(fresh, join(root, 'dist'));
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    throw error;
  }
  return fingerprint;
}

function fingerprintOf(root: string): string {
  const files = [
    ...globSync('**/*', { cwd: SOURCES, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
    join(import.meta.dirname, 'shared-modules.ts'),
    join(import.meta.dirname, 'build.ts'),
    join(root, 'package-lock.json'),
  ];
  const hash = createHash('sha256');
  for (const file of files.sort()) hash.update(file.slice(WORKBENCH.length)).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

async function bundle(root: string, outdir: string): Promise<void> {
  const { build } = createRequire(join(root, 'package.json'))('esbuild');
  const { metafile } = await build({
    absWorkingDir: root,
    metafile: true,
    // The sources' own tsconfig.json looks types up in grafana-12; a bundle for 13 must not look up packages there.
    tsconfigRaw: '{}',
    entryPoints: [join(SOURCES, 'main.tsx')],
    outdir,
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    logLevel: 'error',
    logOverride: { 'empty-import-meta': 'silent' },
    chunkNames: 'chunk-[hash]',
    assetNames: 'asset-[hash]',
    loader: { '.svg': 'dataurl', '.woff2': 'file', '.woff': 'file', '.ttf': 'file', '.png': 'file' },
    // SystemJS defines a global `define.amd`; the UMD packages in here must not mistake it for their loader.
    define: { 'define.amd': 'undefined', 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
    alias: {
      // Not exported, but the very files that the public entry re-exports, so both see the same binding.
      '@grafana/runtime/internal': join(root, 'node_modules/@grafana/runtime/dist/esm/components/PluginPage.mjs'),
      '@grafana/i18n/internal': join(root, 'node_modules/@grafana/i18n/dist/esm/i18n.mjs'),
    },
    plugins: [packagesFrom(root)],
  });
  const strays = Object.keys(metafile.inputs).filter((file) => /^\.\..*node_modules/.test(file));
  if (strays.length) throw new Error(`Bundled from outside ${root}: ${strays.slice(0, 3).join(', ')}`);
}

/** The part of esbuild's plugin interface used here; esbuild itself is installed in the package roots only. */
interface Resolver {
  onResolve(
    options: { filter: RegExp },
    callback: (asked: { path: string; importer: string; kind: string }) => Promise<object> | undefined,
  ): void;
  resolve(path: string, options: { kind: string; resolveDir: string; importer: string }): Promise<object>;
}

/** The sources lie outside both package roots, so that what they import must be looked up from the root being built. */
function packagesFrom(root: string) {
  return {
    name: 'packages-from-root',
    setup(build: Resolver) {
      build.onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) =>
        importer.startsWith(SOURCES) ? build.resolve(path, { kind, resolveDir: root, importer: root }) : undefined,
      );
    },
  };
}

if (import.meta.main) {
  for (const major of process.argv.slice(2) as HostMajor[]) {
    const started = performance.now();
    const fingerprint = await buildHost(major);
    console.log(`host ${major}: ${fingerprint} in ${Math.round(performance.now() - started)} ms`);
  }
}
