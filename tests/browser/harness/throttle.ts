/**
 * A narrow network between the page and a server: a TCP proxy that reads no faster than its rates, so that the sender's own buffers
 * fill, and that can fall silent or break. All connections share it evenly.
 */
import net, { type AddressInfo } from 'node:net';

/** How often bytes are let through, ms. */
const TICK = 20;
/** About what the proxy itself holds back, bytes: the queue is the sender's. */
const HELD = 4096;

export class Throttle {
  readonly #up = new Bucket();
  readonly #down = new Bucket();
  /** Nothing passes in either direction, and nothing breaks. */
  silent = false;
  /** Bytes from the page that went through. */
  passed = 0;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #timer: NodeJS.Timeout;
  #turns: (() => void)[] = [];

  private constructor(readonly target: URL) {
    this.#server = net.createServer({ highWaterMark: HELD }, client => this.#join(client));
    this.#timer = setInterval(() => this.#turn(), TICK);
  }

  /** In front of this server. */
  static async start(target: string): Promise<Throttle> {
    const throttle = new Throttle(new URL(target));
    await new Promise<void>(resolve => throttle.#server.listen(0, '127.0.0.1', resolve));
    return throttle;
  }

  /** Bit/s from the page to the server; no limit by default. */
  set rate(rate: number) {
    this.#up.rate = rate;
  }

  /** The same from the server to the page. */
  set down(rate: number) {
    this.#down.rate = rate;
  }

  /** The same address by way of the proxy. */
  url(address: string): string {
    const url = new URL(address);
    url.port = `${(this.#server.address() as AddressInfo).port}`;
    return url.href;
  }

  /** Breaks all connections. */
  kill(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    this.kill();
    return new Promise(resolve => this.#server.close(() => resolve()));
  }

  #join(client: net.Socket): void {
    const to = { port: Number(this.target.port), host: this.target.hostname, highWaterMark: HELD };
    // Of Node's own that its types do not have.
    const server = net.connect(to as net.NetConnectOpts);
    const pair = [client, server] as const;
    const up = () => {
      this.passed += this.#pass(client, server, this.#up);
    };
    const down = () => {
      this.#pass(server, client, this.#down);
    };
    client.on('readable', up);
    server.on('readable', down);
    const turn = () => {
      up();
      down();
    };
    this.#turns.push(turn);
    const end = () => {
      this.#turns = this.#turns.filter(other => other !== turn);
      for (const socket of pair) {
        this.#sockets.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of pair) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('end', end);
      socket.on('close', end);
    }
  }

  #turn(): void {
    const [first, ...others] = this.#turns;
    if (first) this.#turns = [...others, first];
    for (const turn of this.#turns) turn();
  }

  /** How many bytes went through. */
  #pass(from: net.Socket, to: net.Socket, bucket: Bucket): number {
    let passed = 0;
    while (!this.silent) {
      const wanted = bucket.allowed(from.readableLength);
      const part: Buffer | null = wanted > 0 ? from.read(wanted) : null;
      if (!part) break;
      bucket.take(part.length);
      passed += part.length;
      to.write(part);
    }
    return passed;
  }
}

/** What may pass in one direction. */
class Bucket {
  rate = Number.POSITIVE_INFINITY;
  #allowance = 0;
  #filled = performance.now();

  /** How many of `wanted` bytes may pass now. */
  allowed(wanted: number): number {
    if (this.rate === Number.POSITIVE_INFINITY) return wanted;
    const now = performance.now();
    const [bytes, most] = [((now - this.#filled) * this.rate) / 8000, (2 * TICK * this.rate) / 8000];
    this.#filled = now;
    this.#allowance = Math.min(most, Math.max(0, this.#allowance) + bytes);
    return Math.min(wanted, Math.floor(this.#allowance));
  }

  take(bytes: number): void {
    this.#allowance -= bytes;
  }
}
