/**
 * Real servers with real faults: each address answers with the bytes of a fixture, cut, filtered or damaged.
 * `open()` tells how many answers are still being sent, so that a test sees whether a player let go of its stream.
 */
import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { freePort } from '../../interop/process.js';
import { type Flv, readFlv, type Tag } from './flv.js';

export interface Faulty {
  /** Address of a fault (see `answers`). */
  http(fault: string): string;
  /** The same server's WebSocket: closed at once by policy, with a reason. */
  ws(): string;
  /** An address where nothing listens. */
  refused: { http: string; ws: string };
  open(): number;
  stop(): Promise<void>;
}

const FIXTURE = 'counter-av';
/** Pictures from a keyframe to the next. */
const GOP = 60;
/** What a server with a GOP cache sends at once, ms of stream. */
const BURST = 1000;

interface Answer {
  write(bytes: Buffer): void;
  end(): void;
  /** Breaks the connection. */
  cut(): void;
  gone(): boolean;
}

/** Tags when they are due, as a live server sends them. */
async function pace(answer: Answer, tags: readonly Tag[], burst = BURST): Promise<void> {
  const start = Date.now() - burst;
  for (const tag of tags) {
    const wait = start + tag.timestamp - Date.now();
    if (wait > 0) await new Promise(resolve => setTimeout(resolve, wait));
    if (answer.gone()) return;
    answer.write(tag.bytes);
  }
}

/** The tags before the first of picture or sound, and half of that. */
function cutMidTag({ header, tags }: Flv): Buffer {
  const last = tags.findIndex(tag => tag.kind !== 'script' && !tag.config);
  const half = tags[last]?.bytes ?? Buffer.alloc(0);
  const whole = tags.slice(0, last).map(tag => tag.bytes);
  return Buffer.concat([header, ...whole, half.subarray(0, Math.floor(half.length / 2))]);
}

function beginning({ tags }: Flv): Tag[] {
  return tags.filter(tag => tag.timestamp < 2000);
}

/** Noise, the same in every run. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    bytes[i] = seed >>> 24;
  }
  return bytes;
}
let seed = 1;

const HTML = '<!doctype html><html><head><title>Welcome</title></head><body><h1>Sign in</h1></body></html>';

const answers: Record<string, (answer: Answer, flv: Flv) => void | Promise<void>> = {
  /** No fault: a live stream from the fixture's start. */
  async live(answer, { header, tags }) {
    answer.write(header);
    await pace(answer, tags);
    answer.end();
  },
  /** In each GOP, one picture in its middle has noise in place of its second half. */
  async corrupt(answer, { header, tags }) {
    answer.write(header);
    const pictures = tags.filter(tag => tag.kind === 'video' && !tag.config);
    const hit = new Set(pictures.filter((_, at) => at % GOP === GOP / 2));
    const spoilt = tags.map(tag => {
      if (!hit.has(tag)) return tag;
      const bytes = Buffer.from(tag.bytes);
      noise(Math.floor(bytes.length / 2) - 4).copy(bytes, Math.ceil(bytes.length / 2));
      return { ...tag, bytes };
    });
    await pace(answer, spoilt);
    answer.end();
  },
  /** A file of 2 s, paced: the answer says how long it is, and ends there. */
  async short(answer, flv) {
    answer.write(flv.header);
    await pace(answer, beginning(flv));
    answer.end();
  },
  /** Once, 4 s into the stream, no byte comes for 1.5 s; then all that was missed at once. */
  async interrupted(answer, { header, tags }) {
    const [from, silence] = [4000, 1500];
    answer.write(header);
    await pace(
      answer,
      tags.filter(tag => tag.timestamp < from),
    );
    await new Promise(resolve => setTimeout(resolve, silence));
    await pace(
      answer,
      tags.filter(tag => tag.timestamp >= from),
      from + silence,
    );
    answer.end();
  },
  /** The answer ends, in good order for HTTP, in the middle of its first picture or sound. */
  truncated(answer, flv) {
    answer.write(cutMidTag(flv));
    answer.end();
  },
  /** The connection breaks in the middle of its first picture or sound. */
  broken(answer, flv) {
    answer.write(cutMidTag(flv));
    setTimeout(() => answer.cut(), 500);
  },
  /** A page where a stream should be, with status 200. */
  html(answer) {
    answer.write(Buffer.from(HTML));
    answer.end();
  },
  /** Random bytes without end. */
  async garbage(answer) {
    for (let i = 0; i < 200 && !answer.gone(); i++) {
      answer.write(noise(8192));
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    answer.end();
  },
  /** A good beginning, then random bytes, then the end. */
  async 'garbage-inside'(answer, { header, tags }) {
    answer.write(header);
    for (const tag of tags.filter(tag => tag.config || tag.kind === 'script')) answer.write(tag.bytes);
    for (let i = 0; i < 60 && !answer.gone(); i++) {
      answer.write(noise(4096));
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    answer.end();
  },
  /** Good but for 2,000 random bytes between two tags, once a GOP. */
  async damaged(answer, { header, tags }) {
    answer.write(header);
    let broken = 0;
    const spoilt = tags.flatMap(tag => {
      const second = Math.floor(tag.timestamp / 2000);
      if (tag.kind !== 'audio' || tag.timestamp % 2000 < 1000 || second < broken) return [tag];
      broken = second + 1;
      return [tag, { ...tag, bytes: noise(2000) }];
    });
    await pace(answer, spoilt);
    answer.end();
  },
  /** Every keyframe is missing, for as long as the fixture lasts; the sound is whole. */
  async 'no-keyframe'(answer, { header, tags }) {
    answer.write(header);
    await pace(
      answer,
      tags.filter(tag => !tag.keyframe || tag.config),
    );
    answer.end();
  },
  /** The same without sound. */
  async 'no-keyframe-no-sound'(answer, { header, tags }) {
    answer.write(header);
    await pace(
      answer,
      tags.filter(tag => tag.kind === 'video' && (!tag.keyframe || tag.config)),
    );
    answer.end();
  },
  /** 200, a stream's header, and nothing more. */
  silent(answer, { header }) {
    answer.write(header);
  },
  /** 200 and the end. */
  empty(answer) {
    answer.end();
  },
};

export const POLICY = { code: 1008, reason: 'this stream needs a token' };

export async function startFaulty(): Promise<Faulty> {
  const flv = readFlv(FIXTURE);
  const live = new Set<http.ServerResponse>();
  const server = http.createServer((request, response) => {
    const name = new URL(request.url ?? '/', 'http://faulty').pathname.slice(1).replace(/\.flv$/, '');
    const send = Object.hasOwn(answers, name) ? answers[name] : undefined;
    response.setHeader('Access-Control-Allow-Origin', '*');
    if (!send) {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('no such stream');
      return;
    }
    if (name === 'short') {
      const bytes = beginning(flv).reduce((sum, tag) => sum + tag.bytes.length, flv.header.length);
      response.setHeader('Content-Length', bytes);
    }
    response.writeHead(200, { 'Content-Type': name === 'html' ? 'text/html' : 'video/x-flv' });
    response.flushHeaders();
    live.add(response);
    seed = 1;
    response.once('close', () => live.delete(response));
    void send(
      {
        write: bytes => void response.write(bytes),
        end: () => void response.end(),
        cut: () => void response.socket?.destroy(),
        gone: () => response.destroyed || response.closed,
      },
      flv,
    );
  });
  server.on('upgrade', (request, socket: Socket) => {
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    const reason = Buffer.from(POLICY.reason);
    const code = Buffer.from([POLICY.code >> 8, POLICY.code & 255]);
    socket.write(Buffer.concat([Buffer.from([0x88, 2 + reason.length]), code, reason]));
    socket.on('error', () => {});
    // An upgraded socket is no longer the server's to close.
    setTimeout(() => socket.destroy(), 500);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const closed = await freePort();
  return {
    http: fault => `http://127.0.0.1:${port}/${fault}.flv`,
    ws: () => `ws://127.0.0.1:${port}/live.flv`,
    refused: { http: `http://127.0.0.1:${closed}/live.flv`, ws: `ws://127.0.0.1:${closed}/live.flv` },
    open: () => live.size,
    stop: () =>
      new Promise(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
