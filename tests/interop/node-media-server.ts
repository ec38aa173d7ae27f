/**
 * node-media-server 4 as the peer: RTMP in, HTTP-FLV and WebSocket-FLV out.
 *
 * One odd request ends its process (a name with a second dot), and its store is a folder: it runs as a child, in a
 * folder of its own.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { freePort, run, until } from './process.js';

export interface NodeMediaServer {
  /** For RTMP. */
  publish(name: string): string;
  /** For FLV by WebSocket. */
  publishWs(name: string): string;
  http(name: string): string;
  ws(name: string): string;
  output(): string;
  stop(): Promise<void>;
}

export async function startNodeMediaServer(): Promise<NodeMediaServer> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sailcast-nms-'));
  const [http, rtmp] = [await freePort(), await freePort()];
  const config = {
    bind: '127.0.0.1',
    store: { path: path.join(folder, 'data') },
    auth: { play: false, publish: false },
    rtmp: { port: rtmp },
    http: { port: http },
    webadmin: { enable: false },
    record: { auto: false, path: path.join(folder, 'record') },
  };
  const script = path.join(folder, 'run.cjs');
  const entry = createRequire(import.meta.url).resolve('node-media-server');
  writeFileSync(
    script,
    `const Server = require(${JSON.stringify(entry)});\nnew Server(${JSON.stringify(config)}, ${JSON.stringify(path.join(folder, 'config.json'))}).run();\n`,
  );
  const server = run(process.execPath, [script], { cwd: folder });
  const stop = async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until('node-media-server answers', async () => {
      await fetch(`http://127.0.0.1:${http}/`, { signal: AbortSignal.timeout(1000) });
      return true;
    });
  } catch (error) {
    await stop();
    throw new Error(`${error}\n${server.output()}`);
  }
  return {
    publish: name => `rtmp://127.0.0.1:${rtmp}/live/${name}`,
    publishWs: name => `ws://127.0.0.1:${http}/live/${name}`,
    http: name => `http://127.0.0.1:${http}/live/${name}.flv`,
    ws: name => `ws://127.0.0.1:${http}/live/${name}.flv`,
    output: server.output,
    stop,
  };
}
