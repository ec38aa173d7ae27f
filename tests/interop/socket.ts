/** A publisher by WebSocket: a fixture's tags at their own pace, round and round, with timestamps that go on. */
import { createRequire } from 'node:module';
import { readFlv } from '../browser/harness/flv.js';

/** Node 20 has no client of its own; node-media-server brings one. */
interface Socket {
  on(event: 'open' | 'close' | 'error', listener: (detail: unknown) => void): void;
  send(data: Uint8Array): void;
  close(): void;
}
const require = createRequire(createRequire(import.meta.url).resolve('node-media-server'));
const WebSocket: new (url: string, protocol: string) => Socket = require('ws');

export interface SocketPublisher {
  /** Resolves when the connection is over. */
  stop(): Promise<void>;
}

export async function publishBySocket(fixture: string, url: string): Promise<SocketPublisher> {
  const { header, tags } = readFlv(fixture);
  const pictures = tags.filter(tag => tag.kind === 'video' && !tag.config);
  const last = pictures.at(-1)?.timestamp ?? 0;
  const period = last + last / (pictures.length - 1);
  const socket = new WebSocket(url, 'publisher');
  const closed = new Promise<void>(resolve => socket.on('close', () => resolve()));
  await new Promise<unknown>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  socket.send(header);
  const start = performance.now();
  let [next, round] = [0, 0];
  const send = () => {
    const due = performance.now() - start;
    for (;;) {
      const tag = tags[next];
      if (!tag) {
        [next, round] = [0, round + 1];
        continue;
      }
      const timestamp = Math.round(tag.timestamp + round * period);
      if (timestamp > due) return;
      const bytes = Buffer.from(tag.bytes);
      bytes.writeUIntBE(timestamp & 0xffffff, 4, 3);
      bytes.writeUInt8(timestamp >>> 24, 7);
      socket.send(bytes);
      next++;
    }
  };
  const timer = setInterval(send, 10);
  return {
    stop() {
      clearInterval(timer);
      socket.close();
      return closed;
    },
  };
}
