/**
 * The sound output where there is no AudioWorklet: a `ScriptProcessorNode`, fed with the same messages as the worklet.
 *
 * It runs on the page's thread, so a busy page is heard; pages of a secure context never load it.
 */
import type { AudioMessage } from '../protocol.js';
import type { SoundNode } from './shared.js';
import { PortReader, RingReader } from './worklet.js';

/** What the page's thread may be late, frames: 43 ms at 48 kHz. */
const FRAMES = 2048;

/** From the moment a node takes samples until they leave it, seconds: one of its two buffers plays meanwhile. */
export function scriptLatency(context: BaseAudioContext): number {
  return FRAMES / context.sampleRate;
}

export function scriptNode(context: BaseAudioContext): SoundNode {
  const node = context.createScriptProcessor(FRAMES, 0, 2);
  let reader: PortReader | RingReader | undefined;
  node.onaudioprocess = ({ outputBuffer }) =>
    reader?.read(outputBuffer.getChannelData(0), outputBuffer.getChannelData(1));
  const postMessage = (audio: AudioMessage | 'end') => {
    if (audio === 'end') node.onaudioprocess = null;
    else reader = audio.kind === 'ring' ? new RingReader(audio.buffer) : new PortReader(audio.port);
  };
  return { node, port: { postMessage } };
}
