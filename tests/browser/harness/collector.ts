/** A real server for reports: keeps what is posted, and says what to report, to pages of any origin. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Post {
  path: string;
  type: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: whatever was posted
  body: any;
}

export interface Collector {
  /** Address of a path on it. Posts to any path are kept. */
  url(path: string): string;
  /** Posts so far to a path. */
  posts(path: string): Post[];
  /** What a GET of `/config` is answered with. */
  config: unknown;
  /** Status of the next answers to posts, one each; then 204. */
  readonly refuse: number[];
  stop(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const posts: Post[] = [];
  const server = http.createServer(async (request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Allow-Headers', 'content-type');
    if (request.method === 'GET') {
      response.setHeader('Content-Type', 'application/json');
      response.setHeader('Cache-Control', 'max-age=60');
      response.end(JSON.stringify(collector.config));
      return;
    }
    if (request.method === 'POST') {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part);
      response.statusCode = collector.refuse.shift() ?? 204;
      if (response.statusCode === 204) {
        const body = JSON.parse(Buffer.concat(parts).toString());
        posts.push({ path: request.url ?? '', type: request.headers['content-type'], body });
      }
    }
    response.end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const collector: Collector = {
    url: path => `http://127.0.0.1:${port}${path}`,
    posts: path => posts.filter(post => post.path === path),
    config: {},
    refuse: [],
    stop: () =>
      new Promise(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return collector;
}
