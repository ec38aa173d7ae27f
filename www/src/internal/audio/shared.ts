/**
 * The page's sound device, shared by its players: one AudioContext for each sample rate, for each costs a thread, a stream
 * of the system's mixer and a wake-up every few milliseconds. It opens with the first player that wants it, rests when
 * none wants to hear, and closes with the last.
 */

import type { AudioMessage } from '../protocol.js';
import { LiveContext, type SharedUser } from './alive.js';

/** What plays, and the way to it: an `AudioWorkletNode`'s port, or what stands for one. */
export interface SoundNode {
  node: AudioNode;
  port: { postMessage(message: AudioMessage | 'end', transfer: Transferable[]): void };
}

/** Frames that the worklet is asked for at a time: about what a sound card takes, for each call costs. Not all browsers obey. */
const RENDER_SIZE = 512;

const open = new Map<string, SharedContext>();

/** The page's context for this rate. Throws what the browser throws. `base`: the folder of the worklet. */
export function share(rate: number, base: URL | undefined, user: SharedUser): SharedContext {
  const key = `${rate} ${base?.href ?? ''}`;
  let shared = open.get(key);
  if (!shared) {
    shared = new SharedContext(rate, base, () => open.delete(key));
    open.set(key, shared);
  }
  shared.add(user);
  return shared;
}

interface Kit {
  make(): SoundNode;
  /** What the node itself adds to the latency, seconds. */
  delay: number;
}

export class SharedContext extends LiveContext<Kit> {
  constructor(rate: number, base: URL | undefined, forget: () => void) {
    const options = { sampleRate: rate, latencyHint: 'interactive', renderSizeHint: RENDER_SIZE } as const;
    super(options, context => load(context, base), forget);
  }

  /** Only while it is running. */
  node(): SoundNode {
    if (!this.kit) throw new TypeError('the context is not loaded');
    return this.kit.make();
  }

  /** Seconds from the worklet to the ear, as the browser reports it. */
  get latency(): number {
    // Safari has no outputLatency.
    return (this.context.baseLatency || 0) + (this.context.outputLatency || 0) + (this.kit?.delay ?? 0);
  }
}

/** In an insecure context there is no worklet. The name `context` is how webpack recognises one. */
async function load(context: AudioContext, base: URL | undefined): Promise<Kit> {
  if (!context.audioWorklet) {
    const { scriptNode, scriptLatency } = await import('./script.js');
    return { make: () => scriptNode(context), delay: scriptLatency(context) };
  }
  await (base
    ? context.audioWorklet.addModule(new URL('internal/audio/worklet.js', base))
    : context.audioWorklet.addModule(new URL('./worklet.js', import.meta.url)));
  const make = () => {
    const node = new AudioWorkletNode(context, 'sailcast', { numberOfInputs: 0, outputChannelCount: [2] });
    return { node, port: node.port };
  };
  return { make, delay: 0 };
}
