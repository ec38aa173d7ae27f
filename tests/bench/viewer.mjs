/**
 * A viewer's network in front of any server: a port of its own whose connections share one link.mjs each way, with the bytes
 * and requests that pass written down.
 *
 * It passes bytes and knows no protocol but for the first word of a request: FLV, WebSocket and HLS go through alike. A
 * connection costs a round trip before it carries anything, and is never ahead of its reader by more than WINDOW.
 */
import net from 'node:net';
import { Link } from './link.mjs';

const REQUEST = /^(GET|HEAD|POST|OPTIONS) /;
const NOTHING = Buffer.alloc(0);
/** Of one connection: more than the networks of this bench hold, so that the server is never what limits. */
const WINDOW = 131_072;

/** `origin` is what the viewer asks for in the place of the server at `port`. */
export async function startViewer(port, network) {
  const { rtt = 0 } = network;
  const up = new Link({ rtt });
  const down = new Link(network);
  const sockets = new Set();
  /** ms since 1970. */
  const requests = [];
  const received = [];

  const server = net.createServer({ allowHalfOpen: true }, client => {
    const upstream = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const connected = new Promise(resolve => setTimeout(resolve, rtt));
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        // What is under way still arrives.
        if (socket === client) upstream.destroy();
        else down.push(NOTHING, () => client.destroy());
      });
    }
    client.on('data', async bytes => {
      if (REQUEST.test(bytes.subarray(0, 8).toString('latin1'))) requests.push(Date.now());
      await connected;
      up.push(bytes, piece => upstream.write(piece));
    });
    client.on('end', async () => {
      await connected;
      up.push(NOTHING, () => upstream.end());
    });
    let underWay = 0;
    const flow = () => {
      if (underWay > WINDOW || client.writableNeedDrain) upstream.pause();
      else upstream.resume();
    };
    client.on('drain', flow);
    upstream.on('data', bytes => {
      underWay += bytes.length;
      down.push(bytes, piece => {
        received.push({ at: Date.now(), length: piece.length });
        client.write(piece);
        underWay -= piece.length;
        flow();
      });
      flow();
    });
    upstream.on('end', () => down.push(NOTHING, () => client.end()));
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));

  return {
    origin: `127.0.0.1:${server.address().port}`,
    /** How many requests and bytes there were until `at`. */
    until: at => ({
      requests: requests.filter(asked => asked < at).length,
      bytes: received.filter(piece => piece.at < at).reduce((sum, { length }) => sum + length, 0),
    }),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      up.close();
      down.close();
    },
  };
}
