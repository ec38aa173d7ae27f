/**
 * All servers of a test run, and their publishers. Streams begin when a test first asks for them and go on until the run
 * ends.
 */
import { publish } from '../../interop/ffmpeg.js';
import { flows, type NodeMediaServer, startNodeMediaServer } from '../../interop/node-media-server.js';
import type { Running } from '../../interop/process.js';
import { type Faulty, startFaulty } from './faulty.js';
import { type Pages, servePages } from './pages.js';
import { type Relay, startRelay } from './relay.js';

export type ServerName = 'relay' | 'node-media-server';
export type Fixture = 'counter-av' | 'counter-bframes' | 'video-only' | 'audio-only' | 'card';

export interface Stream {
  http: string;
  ws: string;
}

export class Servers {
  readonly #publishers: Running[] = [];
  readonly #streams = new Map<string, Promise<Stream>>();
  readonly #lazy = new Map<string, Promise<{ stop(): Promise<void> }>>();

  private constructor(
    readonly plain: Pages,
    readonly isolated: Pages,
    readonly faulty: Faulty,
  ) {}

  static async start(): Promise<Servers> {
    return new Servers(
      await servePages({ isolated: false }),
      await servePages({ isolated: true }),
      await startFaulty(),
    );
  }

  #once<T extends { stop(): Promise<void> }>(name: string, make: () => Promise<T>): Promise<T> {
    let made = this.#lazy.get(name) as Promise<T> | undefined;
    if (!made) {
      made = make();
      this.#lazy.set(name, made);
    }
    return made;
  }

  relay(): Promise<Relay> {
    return this.#once('relay', () => startRelay());
  }

  nodeMediaServer(): Promise<NodeMediaServer> {
    return this.#once('node-media-server', startNodeMediaServer);
  }

  /** A fixture as a live stream, published by ffmpeg without end. */
  stream(server: ServerName, fixture: Fixture): Promise<Stream> {
    const key = `${server}/${fixture}`;
    let stream = this.#streams.get(key);
    if (!stream) {
      stream = this.#publish(server, fixture, fixture).then(({ http, ws }) => ({ http, ws }));
      this.#streams.set(key, stream);
    }
    return stream;
  }

  /** A publisher of the test's own, that it may stop. */
  async publisher(
    server: ServerName,
    fixture: Fixture,
    name: string,
  ): Promise<Stream & { publisher: Running }> {
    return this.#publish(server, fixture, name);
  }

  async #publish(server: ServerName, fixture: Fixture, name: string) {
    const [target, http, ws] =
      server === 'relay'
        ? await this.relay().then(s => [s.publish(name), s.http(name), s.ws(name)] as const)
        : await this.nodeMediaServer().then(s => [s.rtmp(name), s.http(name), s.ws(name)] as const);
    const publisher = publish(fixture, target);
    this.#publishers.push(publisher);
    try {
      await flows(http);
    } catch (error) {
      throw new Error(`${error}\nffmpeg: ${publisher.output()}`);
    }
    return { http, ws, publisher };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#publishers.map(publisher => publisher.stop()));
    for (const server of this.#lazy.values()) {
      await server.then(
        s => s.stop(),
        () => {},
      );
    }
    await Promise.all([this.plain.stop(), this.isolated.stop(), this.faulty.stop()]);
  }
}
