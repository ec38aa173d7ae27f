#!/usr/bin/env node
/**
 * How fast and how large the sound modules are, beside native ffmpeg on one thread and the peers that are installed (peers.mjs):
 * `[SAILCAST_PEERS=FOLDER] node tests/codec/audio-bench.mjs [CLIP...]`.
 */
import { AUDIO, clip } from './clips.mjs';
import { native, nativeVersion, ours, peers } from './peers.mjs';
import { print, printSizes, race } from './race.mjs';

const CODECS = ['aac', 'mp3', 'opus', 'flac'];
const chosen = process.argv.slice(2);
const others = peers().filter(({ codecs }) => codecs.some(codec => CODECS.includes(codec)));
const decoders = [...CODECS.flatMap(ours), native, ...others];

console.log(`Node ${process.version}, ${nativeVersion()}\n`);
printSizes(decoders);
for (const name of chosen.length > 0 ? chosen : Object.keys(AUDIO)) {
  const one = clip(name);
  print(one, await race(one, decoders));
}
