// `/public/…`: the host's bundle, icons and fonts from the pinned packages, and the built plugin.
import { createReadStream, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { notFound } from './accounts/refusal.ts';

const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
};

const FONTS: Record<string, string> = {
  'inter/Inter-Regular.woff2': 'inter/files/inter-latin-400-normal.woff2',
  'inter/Inter-Medium.woff2': 'inter/files/inter-latin-500-normal.woff2',
  'inter/Inter-Italic.woff2': 'inter/files/inter-latin-400-italic.woff2',
  'inter/Inter-MediumItalic.woff2': 'inter/files/inter-latin-500-italic.woff2',
};
const MONOSPACE = 'roboto-mono/files/roboto-mono-latin-400-normal.woff2';

export class StaticFiles {
  readonly #hostFolder: string;
  readonly #modules: string;
  #unicons: Record<string, { body: string }> | undefined;

  constructor(packageRoot: string) {
    this.#hostFolder = join(packageRoot, 'dist');
    this.#modules = join(packageRoot, 'node_modules');
  }

  /** `path` is what follows `/public/`. Throws a 404 Refusal for what does not exist. */
  serve(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    plugin: { id: string; folder: string },
  ): void {
    const [area = '', ...names] = path.split('/');
    const name = names.join('/');
    if (area === 'plugins' && names[0] === plugin.id)
      return sendFile(request, response, plugin.folder, names.slice(1).join('/'));
    if (area === 'fonts')
      return sendFile(request, response, join(this.#modules, '@fontsource'), FONTS[name] ?? MONOSPACE);
    if (area === 'build' && name.startsWith('img/icons/')) return this.#sendIcon(request, response, name.slice(10));
    if (area === 'build') return sendFile(request, response, this.#hostFolder, name);
    throw notFound();
  }

  /** The npm package lacks about a third of Grafana's icons; the icon set they come from has most of the rest. */
  #sendIcon(request: IncomingMessage, response: ServerResponse, name: string): void {
    try {
      sendFile(request, response, join(this.#modules, '@grafana/ui/dist/public/img/icons'), name);
    } catch {
      this.#unicons ??= JSON.parse(readFileSync(join(this.#modules, '@iconify-json/uil/icons.json'), 'utf8')).icons;
      const icon = this.#unicons?.[name.replace(/^.*\/|\.svg$/g, '')]?.body ?? '';
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">${icon}</svg>`;
      response.writeHead(200, { 'content-type': 'image/svg+xml', 'cache-control': 'max-age=3600' }).end(svg);
    }
  }
}

function sendFile(request: IncomingMessage, response: ServerResponse, folder: string, name: string): void {
  const relative = normalize(name);
  const stat = relative.startsWith('..') ? undefined : statSync(join(folder, relative), { throwIfNoEntry: false });
  if (!stat?.isFile()) throw notFound();
  const etag = `"${stat.size.toString(36)}-${stat.mtimeMs.toString(36)}"`;
  // Revalidated at every load: a rebuild keeps its URL, and a loopback answers 304 in a millisecond.
  const headers = {
    etag,
    'cache-control': /-[A-Z0-9]{8}\.\w+$/.test(relative) ? 'max-age=31536000, immutable' : 'no-cache',
  };
  if (request.headers['if-none-match'] === etag) return void response.writeHead(304, headers).end();
  const type = TYPES[extname(relative)] ?? 'application/octet-stream';
  response.writeHead(200, { ...headers, 'content-type': type, 'content-length': stat.size });
  if (request.method === 'HEAD') return void response.end();
  createReadStream(join(folder, relative)).pipe(response);
}
