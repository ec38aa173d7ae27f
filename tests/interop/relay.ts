/** The relay between a publisher and other servers. `SAILCAST_RELAY` names another binary. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort, run, until } from './process.js';

const BINARY =
  process.env.SAILCAST_RELAY ?? fileURLToPath(new URL('../../target/debug/sailcast-relay', import.meta.url));

export interface Upstream {
  url: string;
  state: 'connecting' | 'publishing' | 'waiting';
  retries: number;
  sentBytes: number;
  skips: number;
  lastReason: string | null;
}

export interface Gateway {
  ws(name: string): string;
  /** Of a stream, each where it is now. */
  upstreams(name: string): Promise<Upstream[]>;
  output(): string;
  stop(): Promise<void>;
}

/** A relay that pushes each stream to these applications. */
export async function startGateway(...applications: string[]): Promise<Gateway> {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: cargo build -p sailcast-relay`);
  const port = await freePort();
  const upstreams = applications.flatMap(url => ['--upstream', url]);
  const relay = run(BINARY, ['--port', `${port}`, ...upstreams]);
  const health = async (): Promise<{ streams: { name: string; upstreams: Upstream[] }[] }> =>
    (await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(1000) })).json();
  try {
    await until('the relay answers', async () => Boolean(await health()));
  } catch (error) {
    await relay.stop();
    throw new Error(`${error}\n${relay.output()}`);
  }
  return {
    ws: name => `ws://127.0.0.1:${port}/live/${name}`,
    upstreams: async name =>
      (await health()).streams.find(stream => stream.name === `live/${name}`)?.upstreams ?? [],
    output: relay.output,
    stop: relay.stop,
  };
}
