/**
 * A server of one folder, with ranges as RFC 9110 has them and CORS. It writes down what it was asked, so that a test sees how
 * much a player loads; what it answers can go wrong.
 */
import { createReadStream, statSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Asked {
  name: string;
  /** Milliseconds since 1970. */
  at: number;
  query: URLSearchParams;
  range: string | undefined;
  /** How often this name was asked for before. */
  before: number;
  /** Bytes of the answer's body that were sent. */
  sent: number;
}

/** Answers in the folder's place, or gives false. */
export type Spoil = (asked: Asked, response: http.ServerResponse) => boolean;

/** Bytes that are sent at once. */
const PIECE = 4096;

const TYPES: Record<string, string> = {
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.ts': 'video/mp2t',
  '.mp4': 'video/mp4',
  '.m4s': 'video/iso.segment',
  '.flv': 'video/x-flv',
};

export class Folder {
  /** Oldest first. */
  readonly asked: Asked[] = [];
  /** Answers under way. */
  open = 0;
  /** Until an answer begins, ms: the way there and back. */
  delay = 0;
  /** Bit/s of all answers together. */
  rate = Number.POSITIVE_INFINITY;
  /** When the last byte so far has passed, ms since 1970. */
  #free = 0;
  readonly #server: http.Server;

  private constructor(
    readonly path: string,
    readonly spoil: Spoil,
  ) {
    this.#server = http.createServer((request, response) => this.#answer(request, response));
  }

  static async start(path: string, spoil: Spoil = () => false): Promise<Folder> {
    const folder = new Folder(path, spoil);
    await new Promise<void>(resolve => folder.#server.listen(0, '127.0.0.1', resolve));
    return folder;
  }

  /** `query`: `?whole` for no ranges. */
  url(name: string, query = ''): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${name}${query}`;
  }

  /** What was asked for of this name. */
  askedFor(name: string): Asked[] {
    return this.asked.filter(asked => asked.name === name);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://folder');
    const name = pathname.slice(1);
    const { range } = request.headers;
    const before = this.askedFor(name).length;
    const entry: Asked = { name, at: Date.now(), query, range, before, sent: 0 };
    this.asked.push(entry);
    const type = path.extname(name);
    const headers: http.OutgoingHttpHeaders = {
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'content-range',
      'cache-control': 'no-store',
      'content-type': TYPES[type] ?? 'application/octet-stream',
    };
    for (const [header, value] of Object.entries(headers)) if (value) response.setHeader(header, value);
    this.open++;
    response.once('close', () => this.open--);
    if (this.spoil(entry, response)) return;
    setTimeout(() => this.#give(entry, response), this.delay);
  }

  #give(entry: Asked, response: http.ServerResponse): void {
    const { name, query, range } = entry;
    const size = sizeOf(path.join(this.path, name));
    if (size === undefined) return void response.writeHead(404).end();
    const [, from = '', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    const ranged = from !== '' && !query.has('whole');
    const start = ranged ? Number(from) : 0;
    const end = Math.min(ranged && to !== '' ? Number(to) : size - 1, size - 1);
    if (start >= size) return void response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    response.writeHead(ranged ? 206 : 200, {
      ...(!name.endsWith('.m3u8') && { 'cache-control': 'max-age=60' }),
      'content-length': end - start + 1,
      ...(ranged && { 'content-range': `bytes ${start}-${end}/${size}` }),
    });
    void this.#send(
      entry,
      response,
      createReadStream(path.join(this.path, name), { start, end, highWaterMark: PIECE }),
    );
  }

  async #send(entry: Asked, response: http.ServerResponse, body: AsyncIterable<Buffer>): Promise<void> {
    try {
      for await (const piece of body) {
        this.#free = Math.max(this.#free, Date.now()) + (piece.length * 8000) / this.rate;
        if (this.#free > Date.now()) await sleep(this.#free - Date.now());
        if (response.destroyed) return;
        response.write(piece);
        entry.sent += piece.length;
      }
      response.end();
    } catch {
      // A packager has taken away what is being sent.
      response.destroy();
    }
  }
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}
