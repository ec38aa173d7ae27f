/**
 * The server of a measurement, on the loopback: the page with the players' files at one port, and the live stream at others,
 * so that it comes from another origin, as from a CDN.
 *
 * Round trips are charged as TCP takes them: one from the connection's beginning until it can carry a request, which a
 * player may have begun ahead of its request, and half a one for each way afterwards.
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
  '.css': 'text/css',
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
    const headers = {
      'content-type': TYPES[path.extname(name)] ?? 'text/plain',
      'cache-control': 'max-age=3600, immutable',
    };
    response.writeHead(200, headers);
    stream.pipe(response);
  });
}

/** Answers a viewer over a link of its own, which is in `links` while it lasts. */
function watch(live, network, links, request, response) {
  const { rtt = 0 } = network;
  live.askedAt = Date.now();
  request.socket.setNoDelay(true);
  const link = new Link(network, bytes => response.write(bytes));
  links.add(link);
  let end = () => {};
  const connected = request.socket.openedAt + rtt;
  const arrives = Math.max(Date.now(), connected) + rtt / 2;
  const arrived = setTimeout(() => {
    response.writeHead(200, {
      'content-type': 'video/x-flv',
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
    });
    end = live.watch(bytes => link.push(bytes));
  }, arrives - Date.now());
  response.once('close', () => {
    clearTimeout(arrived);
    end();
    link.close();
    links.delete(link);
  });
}

async function listen(handler, port = 0) {
  const server = http.createServer(handler);
  server.on('connection', socket => {
    socket.openedAt = Date.now();
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

/** The page is at `port`, or at a free one. */
export async function serve(port) {
  const live = new Live();
  const site = await listen(file, port);
  const servers = [site.server];
  const links = new Set();
  return {
    live,
    page: `${site.origin}/`,
    /**
     * The stream's address for one viewer whose network is as link.mjs takes it: a port of its own, so that no connection
     * of an earlier viewer is at hand.
     */
    async stream(network = {}) {
      const { server, origin } = await listen((...both) => watch(live, network, links, ...both));
      servers.push(server);
      return `${origin}/live.flv`;
    },
    /** Nothing passes anybody's network for so long. */
    outage(ms) {
      for (const link of links) link.outage(ms);
    },
    close() {
      live.close();
      for (const server of servers) server.close().closeAllConnections();
    },
  };
}
