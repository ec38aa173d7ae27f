/**
 * A live broadcast that goes on whether somebody watches or not, and a server whose answers go wrong by a plan: what the
 * first request of a line gets, what the second, and so on; the last holds for all that follow.
 *
 * A viewer who comes gets the broadcast from its last keyframe on, as from a server with a GOP cache, so that pictures tell
 * whether a player that was away is live again.
 */
import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Flv, readFlv, type Tag } from './flv.js';

export interface Answer {
  /** An HTTP status without a stream; 0: the connection is closed without an answer. Default 200. */
  status?: number;
  /** Seconds until anything is answered. */
  delay?: number;
  /** Until so many seconds after the request; without, for good. */
  seconds?: number;
  /** What comes then. */
  fault?: 'end' | 'truncate' | 'cut' | 'silence' | 'noise';
  /** The publisher begins anew with this request. */
  restart?: boolean;
  /** Holds only for the address that contains this; another gets 403. */
  needs?: string;
}

export interface Asked {
  /** Milliseconds since 1970. */
  at: number;
  /** With its query. */
  url: string;
}

interface Viewer {
  readonly destroyed: boolean;
  write(bytes: Buffer): unknown;
}

const FIXTURE = 'counter-av';
/** The fixture's length, ms; it goes round and round. */
const ROUND = 16_000;
/** How far into it the broadcast is when the first viewer comes: a GOP of history, ms. */
const HISTORY = 2_500;
const NOISE = 4_096;

export class Broadcast {
  readonly asked: Asked[] = [];
  /** Answers under way. */
  open = 0;
  readonly #server: http.Server;
  readonly #flv: Flv = readFlv(FIXTURE);
  readonly #counts = new Map<string, number>();
  #began = 0;

  private constructor(readonly plan: Record<string, readonly Answer[]>) {
    this.#server = http.createServer((request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request, socket) => void this.#upgrade(request, socket));
  }

  /** `plan`: by line. */
  static async start(plan: Record<string, readonly Answer[]>): Promise<Broadcast> {
    const broadcast = new Broadcast(plan);
    await new Promise<void>(resolve => broadcast.#server.listen(0, '127.0.0.1', resolve));
    return broadcast;
  }

  url(line = 'main'): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${line}.flv`;
  }

  /** The same by WebSocket: a message for each tag, and no faults. */
  ws(line = 'main'): string {
    return this.url(line).replace('http', 'ws');
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise(resolve => this.#server.close(() => resolve()));
  }

  async #upgrade(request: http.IncomingMessage, socket: Duplex): Promise<void> {
    const url = request.url ?? '/';
    this.asked.push({ at: Date.now(), url });
    const [{ delay = 0 } = {}] = this.plan[url.slice(1).replace(/\.flv$/, '')] ?? [];
    await sleep(delay * 1000);
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    this.open++;
    socket.once('close', () => this.open--);
    socket.on('error', () => {});
    // Whatever the page sends is its wish to close.
    socket.on('data', () => socket.destroy());
    if (this.#began === 0) this.#began = Date.now() - HISTORY;
    const viewer = {
      get destroyed() {
        return socket.destroyed;
      },
      write: (bytes: Buffer) => socket.write(Buffer.concat([frameHeader(bytes.length), bytes])),
    };
    await this.#send(viewer, Number.POSITIVE_INFINITY);
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    const line = new URL(url, 'http://x').pathname.slice(1).replace(/\.flv$/, '');
    this.asked.push({ at: Date.now(), url });
    const count = this.#counts.get(line) ?? 0;
    this.#counts.set(line, count + 1);
    const plan = this.plan[line] ?? [{ status: 404 }];
    const { status = 200, delay = 0, seconds, fault, restart, needs = '' } = plan[count] ?? plan.at(-1) ?? {};
    if (delay > 0) await sleep(delay * 1000);
    if (status === 0) return void request.socket.destroy();
    response.setHeader('Access-Control-Allow-Origin', '*');
    if (status !== 200 || !url.includes(needs)) {
      response.writeHead(status === 200 ? 403 : status).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'video/x-flv' });
    response.flushHeaders();
    this.open++;
    response.once('close', () => this.open--);
    if (restart || this.#began === 0) this.#began = Date.now() - (restart ? 0 : HISTORY);
    await this.#send(
      response,
      seconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + seconds * 1000,
    );
    if (response.destroyed) return;
    if (fault === 'end') response.end();
    if (fault === 'truncate') response.end(this.#flv.tags[0]?.bytes.subarray(0, 20));
    if (fault === 'cut') response.socket?.destroy();
    while (fault === 'noise' && !response.destroyed) {
      response.write(Buffer.from(Array.from({ length: NOISE }, (_, i) => (i * 7919 + 31) & 255)));
      await sleep(50);
    }
  }

  /** From the newest keyframe on, when it is due, until `end` (ms since 1970). */
  async #send(response: Viewer, end: number): Promise<void> {
    const { header, tags } = this.#flv;
    const media = tags.filter(tag => !tag.config && tag.kind !== 'script');
    const began = this.#began;
    const now = Date.now() - began;
    let at = newestKeyframe(media, now);
    const start = stamp(media, at);
    response.write(header);
    for (const tag of tags) if (tag.config || tag.kind === 'script') response.write(stamped(tag, start));
    for (; !response.destroyed; at++) {
      const time = stamp(media, at);
      const wait = began + time - Date.now();
      if (began + time > end) {
        await sleep(Math.max(0, end - Date.now()));
        return;
      }
      if (wait > 0) await sleep(wait);
      const tag = media[at % media.length];
      if (tag && !response.destroyed) response.write(stamped(tag, time));
    }
  }
}

/** Of a whole binary message of less than 64 KiB (RFC 6455, 5.2). */
function frameHeader(length: number): Buffer {
  return Buffer.from(length < 126 ? [0x82, length] : [0x82, 126, length >> 8, length & 255]);
}

/** Milliseconds of the `index`th tag of an endless broadcast. */
function stamp(media: readonly Tag[], index: number): number {
  return Math.floor(index / media.length) * ROUND + (media[index % media.length]?.timestamp ?? 0);
}

function newestKeyframe(media: readonly Tag[], now: number): number {
  let newest = 0;
  for (let i = 0; stamp(media, i) <= now; i++) if (media[i % media.length]?.keyframe) newest = i;
  return newest;
}

function stamped(tag: Tag, time: number): Buffer {
  const bytes = Buffer.from(tag.bytes);
  bytes.writeUIntBE(time & 0xff_ffff, 4, 3);
  bytes.writeUInt8((time >> 24) & 255, 7);
  return bytes;
}
