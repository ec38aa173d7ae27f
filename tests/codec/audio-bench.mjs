/**
 * How fast the sound decoders are, and how large: `node tests/codec/audio-bench.mjs [NAME...]`.
 *
 * A vector is decoded again and again for a second; x is its length by the time it took.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { distance, join, names, read } from './audio-vectors.mjs';
import { Codec, compile, FLAVOURS, root } from './module.mjs';

const SECONDS = Number(process.env.SECONDS ?? 1);
const chosen = process.argv.slice(2);
const modules = new Map();

for (const name of chosen.length > 0 ? chosen : names()) {
  const vector = read(name);
  for (const flavour of FLAVOURS) {
    let module;
    try {
      module = modules.get(vector.codec + flavour) ?? compile(vector.codec, flavour);
    } catch {
      continue;
    }
    if (!modules.has(vector.codec + flavour)) {
      modules.set(vector.codec + flavour, module);
      const folder = process.env.SAILCAST_CODECS ?? path.join(root, 'dist/codecs');
      const file = path.join(folder, `${vector.codec}.${flavour}`);
      const bytes = readFileSync(file);
      const sizes = [
        statSync(file).size,
        gzipSync(bytes, { level: 9 }).length,
        brotliCompressSync(bytes).length,
      ];
      console.log(`${vector.codec}.${flavour}: ${sizes.join(' ')} bytes plain, gzip, brotli`);
    }
    const codec = new Codec(module, vector);
    const sounds = [];
    let rounds = 0;
    const start = process.cpuUsage();
    const spent = () => {
      const used = process.cpuUsage(start);
      return (used.user + used.system) / 1e6;
    };
    while (spent() < SECONDS || rounds < 2) {
      for (const packet of vector.packets) {
        const made = codec.decode(packet, 0, true);
        if (rounds === 0) sounds.push(...made);
      }
      if (rounds === 0) codec.flush();
      rounds += 1;
    }
    const length = (vector.samples / vector.channels / vector.sampleRate) * rounds;
    const db = distance(join(sounds), vector).toFixed(1);
    console.log(`${name} ${flavour}: ${db} dB, ${Math.round(length / spent())}x, ${codec.memory >> 10} KiB`);
  }
}
