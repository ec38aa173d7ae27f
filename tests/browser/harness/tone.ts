/** A steady tone as a stream, and a recorder of every sample that leaves the page. */
import type { Page } from '@playwright/test';
import { type Running, run } from '../../interop/process.js';

/** Sent at its own pace until it is stopped. */
export function publishTone(hz: number, target: string): Running {
  const source = `sine=frequency=${hz}:sample_rate=48000,volume=10dB`;
  const coded = ['-c:a', 'aac', '-b:a', '160k', '-ac', '2', '-f', 'flv', '-method', 'POST', target];
  return run('ffmpeg', ['-loglevel', 'warning', '-nostdin', '-re', '-f', 'lavfi', '-i', source, ...coded]);
}

/** Runs in the page before its own scripts. */
function record() {
  const processor = `
    registerProcessor('sailcast-test-tape', class extends AudioWorkletProcessor {
      tape = [];
      constructor() {
        super();
        this.port.onmessage = () => { this.port.postMessage(this.tape); this.tape = []; };
      }
      process([input], [output]) {
        for (let i = 0; i < output[0].length; i++) this.tape.push(input[0] ? input[0][i] : 0);
        if (this.tape.length > 1e6) this.tape.length = 0;
        return true;
      }
    });`;
  const connect = AudioNode.prototype.connect as (this: AudioNode, ...args: unknown[]) => unknown;
  const url = URL.createObjectURL(new Blob([processor], { type: 'text/javascript' }));
  AudioNode.prototype.connect = function (this: AudioNode, ...args: unknown[]) {
    const [to] = args;
    // Only the page's own node has a gain before the destination.
    if (
      to instanceof AudioDestinationNode &&
      this instanceof GainNode &&
      to.context instanceof AudioContext
    ) {
      const { context } = to;
      context.audioWorklet.addModule(url).then(() => {
        const node = new AudioWorkletNode(context, 'sailcast-test-tape');
        connect.call(this, node);
        connect.call(node, context.destination);
        (globalThis as unknown as { tape: AudioWorkletNode }).tape = node;
      });
    }
    return connect.apply(this, args);
  } as typeof AudioNode.prototype.connect;
}

/** Call before the page is opened. */
export async function tape(page: Page): Promise<void> {
  await page.addInitScript(record);
}

/** What was heard since the last call, at 48 kHz. */
export function heardSamples(page: Page): Promise<number[]> {
  return page.evaluate(
    () =>
      new Promise<number[]>(resolve => {
        const { port } = (globalThis as unknown as { tape: AudioWorkletNode }).tape;
        port.onmessage = event => resolve(event.data as number[]);
        port.postMessage(null);
      }),
  );
}

/** Frequency of a tone, from its first to its last upward crossing. */
export function pitch(samples: readonly number[], rate = 48_000): number {
  const crossings: number[] = [];
  for (let i = 1; i < samples.length; i++) {
    const [a, b] = [samples[i - 1] ?? 0, samples[i] ?? 0];
    if (a <= 0 && b > 0) crossings.push(i - 1 + -a / (b - a));
  }
  const span = (crossings.at(-1) ?? 0) - (crossings[0] ?? 0);
  return ((crossings.length - 1) * rate) / span;
}

export function loudness(samples: readonly number[]): number {
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
}

export function largestStep(samples: readonly number[]): number {
  return samples.reduce((worst, x, i) => Math.max(worst, i > 0 ? Math.abs(x - (samples[i - 1] ?? 0)) : 0), 0);
}
