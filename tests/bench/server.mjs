/**
 * The server of a measurement, on two ports of the loopback: the page with the players' files, and the live stream, which
 * so comes from another origin, as from a CDN.
 *
 *     /live.flv?rtt=MS&bandwidth=KBIT    a connection's round trip is charged before the request is seen
 */
import { createReadStream } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Link } from './link.mjs';
import { Live } from './live.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
export const dist = process.env.SAILCAST_DIST ?? path.join(root, 'dist');
const FOLDERS = [
  ['/dist/', dist],
  ['/modules/', path.join(root, 'node_modules')],
  ['/players/', path.join(here, 'players')],
  ['/', path.join(here, 'page')],
];
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

function file(request, response) {
  const { pathname } = new URL(request.url, 'http://localhost');
  const [prefix, folder] = FOLDERS.find(([prefix]) => pathname.startsWith(prefix));
  const name = path.join(
    folder,
    path.normalize(decodeURIComponent(pathname.slice(prefix.length) || 'index.html')),
  );
  const stream = createReadStream(name);
  stream.once('error', () => response.writeHead(404).end());
  stream.once('open', () => {
    // As a site serves files whose names carry a hash; each browser of a measurement starts with an empty cache.
    const headers = { 'content-type': TYPES[path.extname(name)], 'cache-control': 'max-age=3600, immutable' };
    response.writeHead(200, headers);
    stream.pipe(response);
  });
}

function liveStream(live, request, response) {
  live.askedAt = Date.now();
  const query = new URL(request.url, 'http://localhost').searchParams;
  const network = { rtt: Number(query.get('rtt')), bandwidth: Number(query.get('bandwidth')) };
  request.socket.setNoDelay(true);
  let end = () => {};
  const link = new Link(network, bytes => response.write(bytes));
  const arrived = setTimeout(() => {
    response.writeHead(200, {
      'content-type': 'video/x-flv',
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
      // The next viewer pays for a connection of its own.
      connection: 'close',
    });
    end = live.watch(bytes => link.push(bytes));
  }, network.rtt * 1.5);
  response.once('close', () => {
    clearTimeout(arrived);
    end();
    link.close();
  });
}

async function listen(handler, port) {
  const server = http.createServer(handler);
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

/** `port` and the one after it, or any two free ones. */
export async function serve(port) {
  const live = new Live();
  const site = await listen(file, port ?? 0);
  const stream = await listen(
    (request, response) => liveStream(live, request, response),
    port ? port + 1 : 0,
  );
  return {
    live,
    page: `${site.origin}/`,
    url: ({ rtt = 0, bandwidth = 0 } = {}) => `${stream.origin}/live.flv?rtt=${rtt}&bandwidth=${bandwidth}`,
    close() {
      live.close();
      for (const { server } of [site, stream]) server.close().closeAllConnections();
    },
  };
}
