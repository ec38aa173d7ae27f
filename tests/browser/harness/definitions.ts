/** Two definitions of one live stream, as a transcoder gives them to the relay: the same times, keyframes a second apart. */
import path from 'node:path';
import type { RenditionSource } from '../../../dist/index.js';
import { flows } from '../../interop/flows.js';
import { type Running, run } from '../../interop/process.js';
import { type Recording, recording } from './recordings.js';
import type { Relay } from './relay.js';

/** The larger one first. */
export const DEFINITIONS = [
  { name: 'rising', bitrate: 700_000, width: 640, height: 360 },
  { name: 'rising-small', bitrate: 240_000, width: 320, height: 180 },
] as const;

/** Sent by one ffmpeg at their own pace, for as long as the recordings last. */
export async function publishDefinitions(relay: Relay): Promise<Running> {
  const lists = DEFINITIONS.map(({ name }): Recording => `${name}/index.m3u8`);
  const inputs = lists.flatMap(list => ['-re', '-i', path.join(recording(list), list)]);
  const outputs = DEFINITIONS.flatMap(({ name }, i) => [
    ...['-map', `${i}`, '-c', 'copy', '-f', 'flv', '-method', 'POST', relay.publish(name)],
  ]);
  const publisher = run('ffmpeg', ['-loglevel', 'warning', '-nostdin', ...inputs, ...outputs]);
  try {
    await Promise.all(DEFINITIONS.map(({ name }) => flows(relay.http(name))));
  } catch (error) {
    await publisher.stop();
    throw new Error(`${error}\nffmpeg: ${publisher.output()}`);
  }
  return publisher;
}

/** What a page gives to the player. */
export function renditions(address: (name: string) => string): RenditionSource[] {
  return DEFINITIONS.map(one => ({ ...one, url: address(one.name) }));
}
