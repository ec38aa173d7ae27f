#!/usr/bin/env node
/**
 * Pictures a CPU second and size of the H.264 and the HEVC module, with SIMD and without, beside native ffmpeg on one thread and
 * the peers that are installed (peers.mjs): `[SAILCAST_PEERS=FOLDER] node tests/codec/bench.mjs [CLIP...]`.
 */
import { clip, VIDEO } from './clips.mjs';
import { native, nativeVersion, ours, peers } from './peers.mjs';
import { print, printSizes, race } from './race.mjs';

const CODECS = ['h264', 'hevc'];
const chosen = process.argv.slice(2);
const others = peers().filter(({ codecs }) => codecs.some(codec => CODECS.includes(codec)));
const decoders = [...CODECS.flatMap(ours), native, ...others];

console.log(`Node ${process.version}, ${nativeVersion()}\n`);
printSizes(decoders);
for (const name of chosen.length > 0 ? chosen : Object.keys(VIDEO)) {
  const one = clip(name);
  print(one, await race(one, decoders));
}
