#!/usr/bin/env node
/**
 * How fast and how large the encoder of AAC is, and how much of its noise is heard, beside native ffmpeg's on one thread:
 * `node tests/codec/encoder-bench.mjs`. They take turns, and the best of each one's counts.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { adts, Encoder } from './encoder-module.mjs';
import { ffmpeg } from './ffmpeg.mjs';
import { compile, FLAVOURS, root } from './module.mjs';
import { nmr } from './nmr.mjs';
import { nativeVersion } from './peers.mjs';
import { print, printSizes } from './race.mjs';
import { interleave, strings, voice } from './signals.mjs';

const TURNS = Number(process.env.TURNS ?? 3);
const SECONDS = 20;
/** What a packet's first sample is late by, in frames, with both encoders. */
const PRIMING = 1024;

const ours = FLAVOURS.map(flavour => {
  const module = compile('aac-encoder', flavour);
  const folder = process.env.SAILCAST_CODECS ?? path.join(root, 'dist/codecs');
  return {
    ...{ name: `aac-encoder.${flavour}`, files: [path.join(folder, `aac-encoder.${flavour}`)] },
    encode: ({ config, samples }) => {
      const before = process.cpuUsage();
      const encoder = new Encoder(module, config);
      const packets = [];
      const chunk = 480 * config.channels;
      for (let at = 0; at < samples.length; at += chunk) {
        const time = (at / config.channels / config.sampleRate) * 1e6;
        packets.push(...encoder.encode(samples.subarray(at, at + chunk), time));
      }
      packets.push(...encoder.flush());
      const { user, system } = process.cpuUsage(before);
      return { seconds: (user + system) / 1e6, file: adts(packets) };
    },
  };
});

const theirs = {
  name: 'ffmpeg -threads 1 -c:a aac',
  files: [],
  encode: ({ config, samples }) => {
    const { sampleRate, channels, bitrate } = config;
    const input = ['-f', 'f32le', '-ar', `${sampleRate}`, '-ac', `${channels}`, '-i', '-'];
    const output = ['-c:a', 'aac', '-b:a', `${bitrate}`, '-f', 'adts', '-'];
    const args = ['-benchmark', '-hide_banner', '-threads', '1', ...input, ...output];
    const { stdout, stderr } = spawnSync('ffmpeg', args, {
      input: Buffer.from(samples.buffer),
      maxBuffer: 1 << 28,
    });
    const [, user, system] = stderr.toString().match(/utime=([\d.]+)s stime=([\d.]+)s/);
    return { seconds: Number(user) + Number(system), file: stdout };
  },
};

function clip(channels, bitrate) {
  const config = { sampleRate: 48000, channels, bitrate };
  const one = voice(SECONDS, 48000);
  const samples = channels === 1 ? one : interleave(one, strings(SECONDS, 48000));
  return {
    ...{ name: `${bitrate / 1000} kbit/s, ${channels === 1 ? 'a voice' : 'a voice and strings'}` },
    ...{ config, samples },
  };
}

/** The mean of the channels. */
function noise({ config, samples }, file) {
  const heard = ffmpeg(['-f', 'aac', '-i', '-', '-f', 'f32le', '-'], file);
  const floats = new Float32Array(
    heard.buffer.slice(heard.byteOffset + PRIMING * config.channels * 4, heard.byteOffset + heard.length),
  );
  const one = (of, all) => all.filter((_, at) => at % config.channels === of);
  const each = Array.from({ length: config.channels }, (_, of) =>
    nmr(one(of, samples), one(of, floats), 48000),
  );
  return each.reduce((sum, value) => sum + value, 0) / config.channels;
}

console.log(`Node ${process.version}, ${nativeVersion()}\n`);
const encoders = [...ours, theirs];
printSizes(encoders);
for (const one of [clip(1, 32000), clip(1, 64000), clip(2, 96000), clip(2, 128000)]) {
  const rows = encoders.map(encoder => ({ encoder, best: Number.POSITIVE_INFINITY }));
  for (let turn = 0; turn < TURNS; turn++) {
    for (const row of rows) {
      const { seconds, file } = row.encoder.encode(one);
      row.best = Math.min(row.best, seconds);
      row.file = file;
    }
  }
  print(
    one,
    rows.map(({ encoder, best, file }) => ({
      name: encoder.name,
      speed: SECONDS / best,
      right: `${((file.length * 8) / SECONDS / 1000).toFixed(1)} kbit/s, noise ${noise(one, file).toFixed(2)} dB`,
    })),
  );
}
