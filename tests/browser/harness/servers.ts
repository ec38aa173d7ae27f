/**
 * All servers of a test run, and their publishers. Streams begin when a test first asks for them and go on until the run
 * ends.
 */
import { publish } from '../../interop/ffmpeg.js';
import { flows } from '../../interop/flows.js';
import { type NodeMediaServer, startNodeMediaServer } from '../../interop/node-media-server.js';
import type { Running } from '../../interop/process.js';
import { type Faulty, startFaulty } from './faulty.js';
import { type Relay, startRelay } from './relay.js';

export type ServerName = 'relay' | 'node-media-server';
export type Fixture =
  | 'counter-av'
  | 'counter-bframes'
  | 'video-only'
  | 'audio-only'
  | 'card'
  | 'card-601-full'
  | 'card-709-full'
  | 'card-unsaid'
  | 'card-2020-10'
  | 'frame-420'
  | 'frame-420-inset'
  | 'frame-444';

export interface Stream {
  http: string;
  ws: string;
}

export class Servers {
  readonly #publishers: Running[] = [];
  readonly #streams = new Map<string, Promise<Stream>>();
  #nodeMediaServer: Promise<NodeMediaServer> | undefined;

  private constructor(
    /** Streams and pages. */
    readonly relay: Relay,
    /** Pages that are cross-origin isolated. */
    readonly isolated: Relay,
    readonly faulty: Faulty,
  ) {}

  static async start(): Promise<Servers> {
    return new Servers(await startRelay(), await startRelay({ isolated: true }), await startFaulty());
  }

  nodeMediaServer(): Promise<NodeMediaServer> {
    this.#nodeMediaServer ??= startNodeMediaServer();
    return this.#nodeMediaServer;
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
    const host = server === 'relay' ? this.relay : await this.nodeMediaServer();
    const [target, http, ws] = [host.publish(name), host.http(name), host.ws(name)];
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
    await this.#nodeMediaServer?.then(
      server => server.stop(),
      () => {},
    );
    await Promise.all([this.relay.stop(), this.isolated.stop(), this.faulty.stop()]);
  }
}
