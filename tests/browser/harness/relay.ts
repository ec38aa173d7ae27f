/** The relay under test: `target/debug/sailcast-relay`, or the binary that `SAILCAST_RELAY` names. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort, run, until } from '../../interop/process.js';

export interface Relay {
  /** Where the pages are. */
  url: string;
  publish(name: string): string;
  http(name: string): string;
  ws(name: string): string;
  /** Fragmented MP4 with LL-HLS, or MPEG-TS. */
  hls(name: string, format?: 'mp4' | 'ts'): string;
  output(): string;
  stop(): Promise<void>;
}

const path = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
/** `SAILCAST_DIST`: another build, such as an unpacked package. */
const DIST = process.env.SAILCAST_DIST ?? path('dist');
const BINARY = process.env.SAILCAST_RELAY ?? path('target/debug/sailcast-relay');

interface RelayOptions {
  /** Pages are cross-origin isolated. */
  isolated?: boolean;
  /** The folder at `/`: the page under test, or the demo. */
  root?: 'tests/browser/page' | 'dist-demo';
  /** It can be told to read publishers slowly. */
  throttle?: boolean;
  /** The folder that it records into; it then packages every stream for HLS from its beginning. */
  record?: string;
}

/** Serves pages beside `dist/`, streams, and the demo channel. */
export async function startRelay({
  isolated = false,
  root = 'tests/browser/page',
  throttle = false,
  record,
}: RelayOptions = {}): Promise<Relay> {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: cargo build -p sailcast-relay`);
  const port = await freePort();
  const pages = [
    ...['--serve', `/=${path(root)}`, '--serve', `/dist=${DIST}`],
    ...['--serve', `/hls.js=${path('node_modules/hls.js/dist')}`],
  ];
  const relay = run(BINARY, [
    '--port',
    `${port}`,
    '--demo',
    path('www/demo/media/demo.flv'),
    ...pages,
    ...(isolated ? ['--isolate'] : []),
    ...(throttle ? ['--throttle'] : []),
    ...(record !== undefined ? ['--record', record, '--hls-always'] : []),
  ]);
  const url = `http://127.0.0.1:${port}/`;
  try {
    await until('the relay answers', async () => {
      await fetch(`${url}health`, { signal: AbortSignal.timeout(1000) });
      return true;
    });
  } catch (error) {
    await relay.stop();
    throw new Error(`${error}\n${relay.output()}`);
  }
  return {
    url,
    publish: name => `${url}live/${name}`,
    http: name => `${url}live/${name}.flv`,
    ws: name => `ws://127.0.0.1:${port}/live/${name}.flv`,
    hls: (name, format = 'mp4') => `${url}live/${name}.${format === 'ts' ? 'ts.' : ''}m3u8`,
    output: relay.output,
    stop: relay.stop,
  };
}
