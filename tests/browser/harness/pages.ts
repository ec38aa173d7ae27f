/**
 * Serves the page under test and `dist/`, as a front-end team's own server would: another origin than the streams.
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOTS = {
  dist: fileURLToPath(new URL('../../../dist/', import.meta.url)),
  page: fileURLToPath(new URL('../page/', import.meta.url)),
};

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export interface Pages {
  url: string;
  stop(): Promise<void>;
}

/** `isolated`: with the headers that give the page SharedArrayBuffer. */
export async function servePages({ isolated }: { isolated: boolean }): Promise<Pages> {
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://page');
    const [root, rest] = pathname.startsWith('/dist/')
      ? [ROOTS.dist, pathname.slice('/dist/'.length)]
      : [ROOTS.page, pathname.slice(1) || 'index.html'];
    const file = path.join(root, rest);
    if (!file.startsWith(root) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream',
      'Cache-Control': 'no-store',
      ...(isolated ? ISOLATION : {}),
    });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: () =>
      new Promise(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
