/**
 * The codec worker's script: software decoders, each with an instance of its module, at the end of a port from its session.
 * Messages: protocol.ts. It decides nothing, and speaks to the page only of its decoders' beginning and end.
 *
 * Its invariant: a decoder that fails, whatever the module did, is an answer to its session and gives its memory back; the others
 * go on.
 */
import type { Colour } from '../protocol.js';
import { Instance, type RawPicture } from './instance.js';
import { moduleOf } from './modules.js';
import { frameOf, planesOf } from './picture.js';
import type { FrameLook, FromCodecWorker, FromDecoder, ToCodecWorker, ToDecoder } from './protocol.js';

/** Buffers kept for the next pictures: more than are ever on their way to the screen. */
const MOST_SPARE = 8;
const UNSPECIFIED: Colour = { primaries: 2, transfer: 2, matrix: 2, fullRange: false };

const decoders = new Map<number, Decoder>();

function tell(message: FromCodecWorker): void {
  (postMessage as (message: FromCodecWorker) => void)(message);
}

class Decoder {
  readonly #number: number;
  readonly #port: MessagePort;
  readonly #base: string | undefined;
  #instance: Instance | undefined;
  /** What came before the module. */
  #waiting: ToDecoder[] | undefined = [];
  #colour = UNSPECIFIED;
  #look: FrameLook | undefined;
  #asPlanes = false;
  readonly #spare: ArrayBuffer[] = [];
  #ended = false;

  constructor(number: number, port: MessagePort, base: string | undefined) {
    this.#number = number;
    this.#port = port;
    this.#base = base;
    port.onmessage = (event: MessageEvent<ToDecoder>) => this.#receive(event.data);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#instance = undefined;
    this.#waiting = undefined;
    this.#spare.length = 0;
    this.#port.onmessage = null;
    this.#port.close();
    decoders.delete(this.#number);
    tell({ type: 'closed', decoder: this.#number });
  }

  #receive(message: ToDecoder): void {
    if (this.#ended) return;
    if (message.type === 'close') this.end();
    else if (message.type === 'recycle') {
      if (this.#spare.length < MOST_SPARE) this.#spare.push(message.buffer);
    } else if (message.type === 'open') {
      this.#open(message).catch(error => this.#fail(error));
    } else if (this.#waiting) this.#waiting.push(message);
    else this.#handle(message);
  }

  async #open(message: Extract<ToDecoder, { type: 'open' }>): Promise<void> {
    const { module: name, config, colour, look, planes } = message;
    const module = await moduleOf(name, this.#base);
    if (this.#ended) return;
    this.#colour = colour ?? UNSPECIFIED;
    this.#look = look;
    this.#asPlanes = planes ?? false;
    this.#instance = new Instance(module, colour !== undefined, config, {
      picture: picture => this.#give(picture),
      sound: sound => this.#say({ type: 'sound', ...sound }, sound.data.buffer),
    });
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const message of waiting) this.#handle(message);
  }

  #handle(message: ToDecoder): void {
    const instance = this.#instance;
    if (!instance) return;
    try {
      if (message.type === 'packet') {
        const why = instance.decode(message.data, message.pts, message.keyframe);
        if (why !== undefined) this.#say({ type: 'leftout', timestamp: message.pts, message: why });
      } else if (message.type === 'flush') {
        instance.flush();
        this.#say({ type: 'flushed' });
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #give(picture: RawPicture): void {
    const frame = this.#asPlanes ? undefined : frameOf(picture, this.#colour, this.#look);
    if (frame) {
      this.#say({ type: 'frame', frame }, frame);
      return;
    }
    const planes = planesOf(picture, this.#colour, this.#spare.pop());
    this.#say({ type: 'planes', picture: planes }, planes.planes[0]?.data.buffer as ArrayBuffer);
  }

  #say(message: FromDecoder, transfer?: Transferable): void {
    this.#port.postMessage(message, transfer ? [transfer] : []);
  }

  /** A trap, a module that is not to be had, a configuration that it refuses. */
  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#say({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
    this.end();
  }
}

addEventListener('message', ({ data }: MessageEvent<ToCodecWorker>) => {
  if (data.type === 'release') decoders.get(data.decoder)?.end();
  else decoders.set(data.decoder, new Decoder(data.decoder, data.port, data.base));
});

tell({ type: 'hello' });
