/**
 * A narrow network between the page and a server: a TCP proxy that reads no faster than its rate, so that the sender's own buffers
 * fill, and that can fall silent or break.
 */
import net, { type AddressInfo } from 'node:net';

/** How often bytes are let through, ms. */
const TICK = 20;
/** About what the proxy itself holds back, bytes: the queue is the sender's. */
const HELD = 4096;

export class Throttle {
  /** Bit/s from the page to the server; no limit by default. */
  rate = Number.POSITIVE_INFINITY;
  /** Nothing passes in either direction, and nothing breaks. */
  silent = false;
  /** Bytes from the page that went through. */
  passed = 0;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #timer: NodeJS.Timeout;
  #turns: (() => void)[] = [];
  #allowance = 0;
  #filled = performance.now();

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
    const server = net.connect(Number(this.target.port), this.target.hostname);
    const pair = [client, server] as const;
    const up = () => this.#pass(client, server);
    const down = () => {
      if (!this.silent) for (let part = server.read(); part; part = server.read()) client.write(part);
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
    for (const turn of this.#turns) turn();
  }

  #pass(from: net.Socket, to: net.Socket): void {
    if (this.silent) return;
    for (
      let wanted = this.#allowed(from.readableLength);
      wanted > 0;
      wanted = this.#allowed(from.readableLength)
    ) {
      const part: Buffer | null = from.read(wanted);
      if (!part) return;
      this.#allowance -= part.length;
      this.passed += part.length;
      to.write(part);
    }
  }

  /** How many of `wanted` bytes may pass now. */
  #allowed(wanted: number): number {
    if (this.rate === Number.POSITIVE_INFINITY) return wanted;
    const now = performance.now();
    const [bytes, most] = [((now - this.#filled) * this.rate) / 8000, (2 * TICK * this.rate) / 8000];
    this.#filled = now;
    this.#allowance = Math.min(most, Math.max(0, this.#allowance) + bytes);
    return Math.min(wanted, Math.floor(this.#allowance));
  }
}
