/**
 * A server of recordings, with ranges as RFC 9110 has them and CORS. It writes down what it was asked, so that a test sees how
 * much a player loads, and can be told to be slow, or to know no ranges.
 */
import { createReadStream, statSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type Recording, recording } from './recordings.js';

export interface Asked {
  name: string;
  range: string | undefined;
  /** Bytes of the answer's body that were sent. */
  sent: number;
}

export interface Files {
  url(name: Recording, query?: string): string;
  /** Oldest first. */
  asked: Asked[];
  stop(): Promise<void>;
}

const TYPES: Record<string, string> = {
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.ts': 'video/mp2t',
  '.mp4': 'video/mp4',
  '.m4s': 'video/iso.segment',
  '.flv': 'video/x-flv',
};

/** `?whole`: no ranges. */
export async function startFiles(): Promise<Files> {
  const asked: Asked[] = [];
  let folder = '';
  const server = http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://files');
    const name = pathname.slice(1);
    const range = request.headers.range;
    const entry: Asked = { name, range, sent: 0 };
    asked.push(entry);
    const headers: http.OutgoingHttpHeaders = {
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'content-range',
      'cache-control': 'max-age=60',
      'content-type': TYPES[path.extname(name)] ?? 'application/octet-stream',
    };
    let size: number;
    try {
      size = statSync(path.join(folder, name)).size;
    } catch {
      response.writeHead(404, headers).end();
      return;
    }
    const [, from = '', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    const ranged = from !== '' && !searchParams.has('whole');
    const start = ranged ? Number(from) : 0;
    const end = Math.min(ranged && to !== '' ? Number(to) : size - 1, size - 1);
    if (start >= size) {
      response.writeHead(416, { ...headers, 'content-range': `bytes */${size}` }).end();
      return;
    }
    response.writeHead(ranged ? 206 : 200, {
      ...headers,
      'content-length': end - start + 1,
      ...(ranged && { 'content-range': `bytes ${start}-${end}/${size}` }),
    });
    const body = createReadStream(path.join(folder, name), { start, end });
    body.on('data', chunk => {
      entry.sent += chunk.length;
    });
    response.on('close', () => body.destroy());
    body.pipe(response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url(name, query = '') {
      folder = recording(name);
      return `http://127.0.0.1:${port}/${name}${query}`;
    },
    asked,
    async stop() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
