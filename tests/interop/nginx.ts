/** nginx-rtmp as the peer: RTMP in, HLS out, as docs/scale.md tells to configure it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, type Running, run, until } from './process.js';

const DOCUMENT = fileURLToPath(new URL('../../docs/scale.md', import.meta.url));
const BINARY = '/usr/sbin/nginx';
const MODULES = '/usr/lib/nginx/modules';

export interface Nginx {
  /** The application that takes RTMP. */
  application: string;
  hls(name: string): string;
  /** Ends with all its connections, without a goodbye to anyone. */
  kill(): Promise<void>;
  /** On the same ports. */
  start(): Promise<void>;
  output(): string;
  stop(): Promise<void>;
}

/** What the document tells, on these ports and in this folder. */
function configuration(folder: string, rtmp: number, http: number): string {
  const told = /```nginx\n([\s\S]*?)```/.exec(readFileSync(DOCUMENT, 'utf8'))?.[1];
  if (!told) throw new Error(`${DOCUMENT} has no nginx configuration`);
  const ours: [string, string][] = [
    ['load_module modules/', `load_module ${MODULES}/`],
    ['127.0.0.1:1935', `127.0.0.1:${rtmp}`],
    ['listen 8088', `listen 127.0.0.1:${http}`],
    ['/var/lib/nginx/hls', `${folder}/hls`],
  ];
  const placed = ours.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`${DOCUMENT}: no ${from}`);
    return text.replaceAll(from, to);
  }, told);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const inFolder = temporary.map(name => `  ${name}_temp_path ${folder}/${name};`).join('\n');
  return [
    'daemon off;',
    // The workers of a master that is root are someone else, who may not write into the folder.
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    `pid ${folder}/pid;`,
    'error_log stderr notice;',
    placed.replace('http {', `http {\n  access_log off;\n${inFolder}`),
  ].join('\n');
}

export async function startNginx(): Promise<Nginx> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sailcast-nginx-'));
  mkdirSync(path.join(folder, 'hls'));
  const [rtmp, http] = [await freePort(), await freePort()];
  writeFileSync(path.join(folder, 'nginx.conf'), configuration(folder, rtmp, http));
  let server: Running | undefined;
  const start = async () => {
    const started = run(BINARY, ['-p', folder, '-e', 'stderr', '-c', path.join(folder, 'nginx.conf')]);
    server = started;
    await until(`nginx answers (${started.output()})`, async () => {
      await fetch(`http://127.0.0.1:${http}/`, { signal: AbortSignal.timeout(1000) });
      return true;
    });
  };
  await start();
  return {
    application: `rtmp://127.0.0.1:${rtmp}/live`,
    hls: name => `http://127.0.0.1:${http}/hls/${name}.m3u8`,
    start,
    // Its master takes the workers with it: SIGTERM is nginx's quick end.
    kill: async () => server?.stop(),
    output: () => server?.output() ?? '',
    async stop() {
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
