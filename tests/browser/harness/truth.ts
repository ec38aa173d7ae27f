/**
 * How far picture and sound of the fake devices are apart where they are captured, by the page's clock alone: when pictures with a
 * number arrive and when beeps do, on tracks of its own beside those that the publisher has. No time stamp is believed.
 */
import type { Page } from '@playwright/test';
import { CAMERA_FPS } from '../../fixtures/devices.mjs';
import { median } from './measures.js';

/** Chromium's, on the page; TypeScript knows none. */
declare class MediaStreamTrackProcessor<T> {
  constructor(init: { track: MediaStreamTrack });
  readonly readable: ReadableStream<T>;
}

/** Runs in the page before its own scripts: keeps what getUserMedia gives. */
function keep() {
  const kept: MediaStream[] = [];
  (globalThis as unknown as { captured: MediaStream[] }).captured = kept;
  const devices = navigator.mediaDevices;
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async constraints => {
    const stream = await ask(constraints);
    kept.push(stream);
    return stream;
  };
}

/** Call before the page is opened. */
export async function keepTracks(page: Page): Promise<void> {
  await page.addInitScript(keep);
}

interface Arrivals {
  /** When a picture with a readable number arrived, ms. */
  pictures: { at: number; counter: number }[];
  /** When each beep's first sample did. */
  beeps: number[];
}

function arrivals(page: Page, seconds: number): Promise<Arrivals> {
  return page.evaluate(async ms => {
    const [LOUD, QUIET, BLOCKS] = [0.03, 0.05, 32];
    const streams = (globalThis as unknown as { captured: MediaStream[] }).captured;
    const track = (kind: string) => {
      const found = streams
        .flatMap(stream => stream.getTracks())
        .filter(track => track.kind === kind && track.readyState === 'live')
        .at(-1);
      if (!found) throw new Error(`no ${kind} is captured`);
      return found.clone();
    };
    const [video, audio] = [track('video'), track('audio')];
    const reader = <T>(track: MediaStreamTrack) =>
      new MediaStreamTrackProcessor<T>({ track }).readable.getReader();
    const context = new OffscreenCanvas(BLOCKS, 15).getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('no canvas');
    const result: Arrivals = { pictures: [], beeps: [] };
    const end = performance.now() + ms;
    const watch = async () => {
      for (const from = reader<VideoFrame>(video); performance.now() < end; ) {
        const { value: frame } = await from.read();
        if (!frame) return;
        const at = performance.now();
        context.drawImage(frame, 0, 0, BLOCKS, 15);
        frame.close();
        const { data } = context.getImageData(0, 0, BLOCKS, 1);
        const bits = Array.from({ length: BLOCKS }, (_, i) => ((data[i * 4 + 1] ?? 0) > 128 ? 1 : 0));
        const number = (bits: number[]) => bits.reduce((sum, bit) => sum * 2 + bit, 0);
        const [counter, check] = [number(bits.slice(0, 16)), number(bits.slice(16))];
        if ((counter ^ check) === 0xffff) result.pictures.push({ at, counter });
      }
    };
    const listen = async () => {
      let quiet = 0;
      for (const from = reader<AudioData>(audio); performance.now() < end; ) {
        const { value: sound } = await from.read();
        if (!sound) return;
        const at = performance.now();
        const samples = new Float32Array(sound.numberOfFrames);
        sound.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
        const { sampleRate } = sound;
        sound.close();
        for (const [i, sample] of samples.entries()) {
          const loud = Math.abs(sample) > LOUD;
          if (loud && quiet > QUIET * sampleRate)
            result.beeps.push(at - ((samples.length - i) / sampleRate) * 1000);
          quiet = loud ? 0 : quiet + 1;
        }
      }
    };
    await Promise.all([watch(), listen()]);
    video.stop();
    audio.stop();
    return result;
  }, seconds * 1000);
}

/** Into -500 to 500 ms: picture and sound repeat each second. */
export function wrapped(ms: number): number {
  return ((((ms + 500) % 1000) + 1000) % 1000) - 500;
}

/** Where in a second the pictures' numbers have their zero, by any clock of milliseconds; robust against some that are late. */
export function phaseOfPictures(pictures: readonly { at: number; counter: number }[]): number {
  return phase(pictures.map(({ at, counter }) => at - (counter / CAMERA_FPS) * 1000));
}

/** The middle of times that are all nearly the same but for whole seconds. */
export function phase(times: readonly number[]): number {
  const first = times[0] ?? Number.NaN;
  return first + median(times.map(time => wrapped(time - first)));
}

/** By how many ms the picture is later than the sound it belongs to, where both are captured. */
export async function captureOffset(page: Page, seconds = 4): Promise<number> {
  const { pictures, beeps } = await arrivals(page, seconds);
  return wrapped(phaseOfPictures(pictures) - phase(beeps));
}
