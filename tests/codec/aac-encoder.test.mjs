/**
 * The encoder of AAC as a module, judged by FFmpeg: `node --test tests/codec/aac-encoder.test.mjs` after
 * `cargo xtask codecs aac-encoder aac`.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { distance, join } from './audio-vectors.mjs';
import { adts, described, Encoder } from './encoder-module.mjs';
import { ffmpeg } from './ffmpeg.mjs';
import { Codec, compile, FLAVOURS, Refused } from './module.mjs';
import { nmr } from './nmr.mjs';
import { seeded } from './random.mjs';
import { clicks, interleave, strings, voice } from './signals.mjs';

const BLOCK = 1024;
const modules = new Map(FLAVOURS.map(flavour => [flavour, compile('aac-encoder', flavour)]));
const decoder = compile('aac', 'wasm');

const open = (config, flavour = 'wasm') => new Encoder(modules.get(flavour), config);

/** All packets of the samples, cut into chunks as `size` says, the first at `start` µs. */
function encode(encoder, samples, { sampleRate, channels }, size = () => 480, start = 0) {
  const packets = [];
  for (let at = 0; at < samples.length; ) {
    const chunk = samples.subarray(at, at + size() * channels);
    packets.push(...encoder.encode(chunk, start + (at / channels / sampleRate) * 1e6));
    at += chunk.length;
  }
  return [...packets, ...encoder.flush()];
}

/** What FFmpeg hears, which must not complain of anything. They are of one description. */
function decode(packets) {
  const args = ['-hide_banner', '-loglevel', 'warning', '-f', 'aac', '-i', '-', '-f', 'f32le', '-'];
  const run = spawnSync('ffmpeg', args, { input: adts(packets), maxBuffer: 1 << 30 });
  assert.equal(run.stderr.toString(), '');
  return floats(run.stdout);
}

/** Packets of one description after the other: each is what one decoder gets. */
function segments(packets) {
  const all = [];
  for (const packet of packets) {
    if (packet.description) all.push([]);
    all.at(-1).push(packet);
  }
  return all;
}

const floats = bytes =>
  new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const bitrate = packets =>
  (packets.reduce((sum, { data }) => sum + data.length, 0) * 8e6) /
  packets.reduce((sum, { duration }) => sum + duration, 0);
const same = (some, others) => {
  assert.equal(some.length, others.length);
  some.forEach((packet, at) => {
    assert.ok(packet.data.equals(others[at].data), `packet ${at}`);
    assert.ok(Math.abs(packet.pts - others[at].pts) < 1, `packet ${at}`);
  });
};

const FEW = new Map([
  [5000, 8000],
  [8000, 8000],
  [12000, 16000],
  [16000, 16000],
  [24000, 24000],
]);
const STUDIO = { sampleRate: 48000, channels: 2 };
const both = sound => interleave(sound, sound);
const resampled = (sound, from, to) => {
  const pcm = rate => ['-f', 'f32le', '-ar', `${rate}`, '-ac', '1'];
  return floats(ffmpeg([...pcm(from), '-i', '-', ...pcm(to), '-'], Buffer.from(sound.buffer)));
};

for (const flavour of FLAVOURS) {
  test(`FFmpeg decodes every rate and number of channels, and nothing is missing (${flavour})`, () => {
    for (const sampleRate of [8000, 16000, 22050, 24000, 32000, 44100, 48000]) {
      for (const channels of [1, 2]) {
        const config = { sampleRate, channels, bitrate: sampleRate * channels };
        const encoder = open(config, flavour);
        const one = voice(1.5, sampleRate);
        const samples = channels === 1 ? one : interleave(one, strings(1.5, sampleRate));
        const packets = encode(encoder, samples, config);
        const heard = decode(packets);
        assert.equal(packets.length, Math.ceil((1.5 * sampleRate) / BLOCK) + 1);
        assert.equal(heard.length, packets.length * BLOCK * channels);
        packets.forEach(({ pts, duration }, at) => {
          assert.ok(Math.abs(duration - (BLOCK * 1e6) / sampleRate) < 0.001);
          assert.ok(Math.abs(pts - (at - 1) * duration) < 1);
        });
        const vector = { expected: samples, stride: 1 };
        assert.ok(distance(heard.subarray(BLOCK * channels), vector) > 8, `${sampleRate} ${channels}`);
      }
    }
  });
}

test('the description is an AudioSpecificConfig of AAC-LC', () => {
  const description = (sampleRate, channels) => {
    const config = { sampleRate, channels, bitrate: 64000 };
    return encode(open(config), voice(0.1, sampleRate * channels), config)[0].description;
  };
  assert.equal(description(48000, 2).toString('hex'), '1190');
  assert.equal(description(44100, 1).toString('hex'), '1208');
  assert.equal(description(16000, 1).toString('hex'), '1408');
});

test('a click is heard when it was made', () => {
  for (const sampleRate of [16000, 44100, 48000]) {
    const config = { sampleRate, channels: 1, bitrate: sampleRate * 1.5 };
    for (const first of [0.003, 0.5, 0.517, 0.53]) {
      const packets = encode(open(config), clicks(first + 0.4, sampleRate, first), config, () => 441, 7e6);
      const late = loudest(packets) - 7 - first;
      assert.ok(Math.abs(late) < 0.001, `${sampleRate} Hz, ${first} s: ${late}`);
    }
  }
});

test('so it is with few bits, at its lower pitch', () => {
  for (const sampleRate of [32000, 44100, 48000]) {
    for (const bits of FEW.keys()) {
      for (const first of [0.5, 0.517, 0.53, 0.611]) {
        const config = { sampleRate, channels: 2, bitrate: bits };
        const sound = Float32Array.from({ length: sampleRate }, (_, at) => {
          const time = at / sampleRate - first;
          return 0.7 * Math.exp(-((time / 0.0005) ** 2)) * Math.cos(9000 * time);
        });
        const late = loudest(encode(open(config), both(sound), config, () => 441, 7e6)) - 7 - first;
        assert.ok(Math.abs(late) < 0.002, `${sampleRate} Hz, ${bits} bit/s, ${first} s: ${late}`);
      }
    }
  }
});

/** When, in s. */
function loudest(packets) {
  const heard = decode(packets);
  const peak = heard.reduce((best, sample, at) => (Math.abs(sample) > Math.abs(heard[best]) ? at : best), 0);
  return packets[0].pts / 1e6 + peak / described(packets[0].description).sampleRate;
}

test('a gap in the times of the sound is one in the times of its packets', () => {
  const config = { sampleRate: 48000, channels: 1, bitrate: 64000 };
  const encoder = open(config);
  const half = voice(0.512, 48000);
  const packets = [...encoder.encode(half, 0), ...encoder.encode(half, 2e6), ...encoder.flush()];
  const late = packets.filter(({ pts }) => pts >= 2e6);
  assert.deepEqual([packets.length, late.length, late[0].pts], [49, 24, 2e6]);
});

test('the bits are those asked for', () => {
  for (const bits of [32000, 64000, 96000, 128000]) {
    for (const channels of [1, 2]) {
      const config = { sampleRate: 48000, channels, bitrate: bits };
      const one = strings(10, 48000);
      const samples = channels === 1 ? one : interleave(one, voice(10, 48000));
      const real = bitrate(encode(open(config), samples, config));
      assert.ok(Math.abs(real / bits - 1) < 0.1, `${channels} x ${bits}: ${real}`);
    }
  }
});

test('a bitrate that is of no use is the nearest that is', () => {
  const encoder = open({ sampleRate: 48000, channels: 1, bitrate: 500 });
  assert.equal(encoder.bitrate, 2000);
  encoder.bitrate = 4e9;
  assert.equal(encoder.bitrate, 288000);
});

test('with few bits it is one channel of fewer samples, of the bits asked for', () => {
  const sound = both(voice(10, 48000));
  for (const [bits, sampleRate] of FEW) {
    const config = { ...STUDIO, bitrate: bits };
    const packets = encode(open(config), sound, config);
    assert.deepEqual(described(packets[0].description), { sampleRate, channels: 1 });
    assert.equal(packets.filter(({ description }) => description).length, 1);
    packets.forEach(({ pts, duration }, at) => {
      assert.ok(Math.abs(duration - (BLOCK * 1e6) / sampleRate) < 0.001);
      assert.ok(Math.abs(pts - (at - 1) * duration) < 1);
    });
    const real = bitrate(packets);
    assert.ok(Math.abs(real / bits - 1) < (bits === 5000 ? 0.15 : 0.1), `${bits}: ${real}`);
  }
});

test("its own way to fewer samples costs nothing beside FFmpeg's", () => {
  const sound = voice(10, 48000);
  for (const [bits, sampleRate] of FEW) {
    const config = { sampleRate, channels: 1, bitrate: bits };
    const fewer = resampled(sound, 48000, sampleRate);
    const judge = packets => distance(decode(packets).subarray(BLOCK), { expected: fewer, stride: 1 });
    const theirs = judge(encode(open(config), fewer, config));
    const own = judge(encode(open({ ...STUDIO, bitrate: bits }), both(sound), STUDIO));
    assert.ok(own > theirs - 0.3, `${bits}: ${own} dB, ${theirs} dB`);
  }
});

test("its noise is no better heard than that of FFmpeg's encoder", () => {
  for (const [name, sound, bits, margin] of [
    ['strings', strings(6, 48000), 64000, 1.1],
    ['strings', strings(6, 48000), 96000, 1.1],
    ['voice', voice(6, 48000), 64000, 1.1],
    ['voice', voice(6, 48000), 96000, 1.1],
  ]) {
    const config = { sampleRate: 48000, channels: 1, bitrate: bits };
    const packets = encode(open(config), sound, config);
    const pcm = ['-f', 'f32le', '-ar', '48000', '-ac', '1', '-i', '-'];
    // Noise told by its loudness is another noise than the sound's, and would count against it.
    const theirs = ['-c:a', 'aac', '-aac_pns', '0', '-b:a', `${bits}`, '-f', 'adts', '-'];
    const judge = heard => nmr(sound, heard.subarray(BLOCK), 48000);
    const reference = judge(
      floats(
        ffmpeg(
          ['-f', 'aac', '-i', '-', '-f', 'f32le', '-'],
          ffmpeg([...pcm, ...theirs], Buffer.from(sound.buffer)),
        ),
      ),
    );
    const own = judge(decode(packets));
    assert.ok(
      own <= reference * margin + 0.1,
      `${name} ${bits}: ${own.toFixed(2)} dB, FFmpeg ${reference.toFixed(2)} dB`,
    );
  }
});

test('however samples are cut into chunks, their packets are the same', () => {
  const random = seeded(5);
  for (const channels of [1, 2]) {
    const config = { sampleRate: 44100, channels, bitrate: 80000 };
    const one = voice(1, 44100);
    const samples = channels === 1 ? one : interleave(one, clicks(1, 44100));
    const whole = encode(open(config), samples, config, () => samples.length);
    for (const size of [() => 1, () => BLOCK, () => BLOCK - 1, () => random.below(3000)]) {
      same(encode(open(config), samples, config, size), whole);
    }
  }
});

test('after a flush it is as new', () => {
  const config = { sampleRate: 48000, channels: 1, bitrate: 64000 };
  const encoder = open(config);
  assert.deepEqual(encoder.flush(), []);
  const sound = voice(1, 48000);
  same(encode(encoder, sound, config), encode(encoder, sound, config));
  assert.equal(encode(encoder, sound.subarray(0, 1), config).length, 2);
  assert.deepEqual(encoder.encode(new Float32Array(), 0), []);
  assert.deepEqual(encoder.flush(), []);
});

test('our own decoder hears what FFmpeg hears', () => {
  for (const bits of [64000, 128000]) {
    const config = { sampleRate: 48000, channels: 2, bitrate: bits };
    const encoder = open(config);
    const packets = encode(encoder, interleave(voice(3, 48000), clicks(3, 48000)), config);
    const codec = new Codec(decoder, { ...config, description: packets[0].description });
    const heard = join(packets.flatMap(({ data, pts }) => codec.decode(data, pts, true)));
    assert.ok(distance(heard, { expected: decode(packets), stride: 1 }) > 80, `${bits}`);
  }
});

test('a new bitrate holds from the next packet on, and nothing is heard of the change', () => {
  const config = { sampleRate: 48000, channels: 1, bitrate: 96000 };
  const sound = strings(8, 48000).map((sample, at) => sample + 0.5 * CLICKS[at]);
  const encoder = open(config);
  const parts = [];
  for (const bits of [128000, 64000]) {
    encoder.bitrate = bits;
    const from = parts.length * 4 * 48000;
    parts.push(encoder.encode(sound.subarray(from, from + 4 * 48000), (from / 48000) * 1e6));
  }
  for (const [at, bits] of [128000, 64000].entries()) {
    assert.ok(Math.abs(bitrate(parts[at].slice(4)) / bits - 1) < 0.1, `${bitrate(parts[at])}`);
  }
  // Changes all the time are as good as the fewer of the bits.
  const judge = (one, size) => nmr(sound, decode(encode(one, sound, config, size)).subarray(BLOCK), 48000);
  const steady = judge(open({ ...config, bitrate: 88000 }), () => 480);
  const other = open(config);
  let chunk = 0;
  const restless = judge(other, () => {
    other.bitrate = chunk++ % 2 === 0 ? 88000 : 104000;
    return 700;
  });
  assert.ok(restless <= steady * 1.05 + 0.05, `${restless} dB instead of ${steady} dB`);
});

/** Nine seconds, with 5 kbit/s from the third on and 64 again from the sixth on. */
function changing(sound, size) {
  const encoder = open({ ...STUDIO, bitrate: 64000 });
  const packets = [64000, 5000, 64000].flatMap((bits, part) => {
    encoder.bitrate = bits;
    assert.equal(encoder.bitrate, bits);
    const start = part * 3 * 48000;
    const out = [];
    for (let at = start; at < start + 3 * 48000; ) {
      const end = Math.min(start + 3 * 48000, at + size());
      out.push(...encoder.encode(sound.subarray(2 * at, 2 * end), (at / 48000) * 1e6));
      at = end;
    }
    return out;
  });
  return [...packets, ...encoder.flush()];
}

test('to few bits and back one time goes on, and each part is as good as without a change', () => {
  const sound = voice(9, 48000);
  const packets = changing(both(sound), () => 480);
  packets.slice(1).forEach(({ pts }, at) => {
    assert.ok(Math.abs(packets[at].pts + packets[at].duration - pts) < 1, `packet ${at}`);
  });
  const parts = segments(packets);
  assert.deepEqual(
    parts.map(part => described(part[0].description)),
    [STUDIO, { sampleRate: 8000, channels: 1 }, STUDIO],
  );
  for (const [at, part] of parts.entries()) {
    const { sampleRate, channels } = described(part[0].description);
    const left = samples => samples.filter((_, of) => of % channels === 0);
    const heard = left(decode(part));
    assert.equal(heard.length, part.length * BLOCK);
    // Such a change takes no longer than the block that is at work.
    assert.ok(Math.abs(part[0].pts / 1e6 - at * 3) < 0.13, `${part[0].pts}`);
    const steady = encode(open({ ...STUDIO, bitrate: [64000, 5000, 64000][at] }), both(sound), STUDIO);
    const [own, others] = [heard, left(decode(steady))].map(samples => ({ samples, sampleRate }));
    const from = part[0].pts / 1e6 + BLOCK / sampleRate;
    const until = from + 2.7;
    const expected = resampled(sound, 48000, sampleRate);
    const judge = ({ samples }, start) => {
      const cut = samples.subarray(
        Math.round((from - start) * sampleRate),
        Math.round((until - start) * sampleRate),
      );
      return distance(cut, { expected: expected.subarray(from * sampleRate, until * sampleRate), stride: 1 });
    };
    const [now, before] = [judge(own, part[0].pts / 1e6), judge(others, steady[0].pts / 1e6)];
    assert.ok(now > before - 0.5, `${at}: ${now} dB, ${before} dB`);
  }
});

test('where another decoder follows, sound dips and does not click', () => {
  const length = 9 * 48000;
  const tone = Float32Array.from(
    { length },
    (_, at) => Math.min(0.3, (length - at) / 5000) * Math.sin(at * 0.0576),
  );
  const parts = segments(changing(both(tone), () => 480));
  for (const [at, part] of parts.entries()) {
    const { sampleRate, channels } = described(part[0].description);
    const heard = decode(part).filter((_, of) => of % channels === 0);
    const loud = (from, until) => {
      const some = heard.subarray(from, until);
      return Math.sqrt((2 * some.reduce((sum, sample) => sum + sample ** 2, 0)) / some.length);
    };
    const fade = sampleRate / 200;
    const step = heard.reduce(
      (most, sample, of) => Math.max(most, Math.abs(sample - (heard[of - 1] ?? 0))),
      0,
    );
    const steepest = 0.3 * 0.0576 * (48000 / sampleRate);
    assert.ok(step < steepest * 1.3, `${at}: ${step}, ${steepest}`);
    if (at < 2) {
      assert.ok(Math.abs(heard.at(-1)) < 0.03, `${at}: ends at ${heard.at(-1)}`);
      assert.ok(loud(heard.length - 3 * fade, heard.length - fade) > 0.27, `${at} ends early`);
    }
    if (at > 0)
      assert.ok(loud(BLOCK * 0.6, BLOCK) > 0.2 && loud(BLOCK, 2 * BLOCK) > 0.27, `${at} begins late`);
  }
});

test('a change to few bits is the same however samples are cut into chunks', () => {
  const random = seeded(8);
  const sound = both(voice(9, 48000));
  same(
    changing(sound, () => 1 + random.below(5000)),
    changing(sound, () => 480),
  );
});

test('before the first sample, and once it is flushed, any bitrate holds at once', () => {
  const encoder = open({ ...STUDIO, bitrate: 64000 });
  encoder.bitrate = 5000;
  const sound = both(voice(1, 48000));
  const few = encode(open({ ...STUDIO, bitrate: 5000 }), sound, STUDIO);
  same(encode(encoder, sound, STUDIO), few);
  encoder.bitrate = 64000;
  encode(encoder, sound, STUDIO, () => 480);
  encoder.encode(sound, 0);
  encoder.bitrate = 5000;
  encoder.flush();
  same(encode(encoder, sound, STUDIO), few);
});

const CLICKS = clicks(8, 48000, 0.21);

test('silence is silence, and nearly free', () => {
  const config = { sampleRate: 48000, channels: 2, bitrate: 128000 };
  const packets = encode(open(config), new Float32Array(2 * 48000), config);
  assert.ok(decode(packets).every(sample => sample === 0));
  assert.ok(bitrate(packets) < 5000, `${bitrate(packets)}`);
});

test('what is no sound is silence, and what is too loud is cut at full scale', () => {
  const config = { sampleRate: 48000, channels: 1, bitrate: 128000 };
  const sound = voice(1, 48000);
  const odd = [Number.NaN, 1e-40, -1e-30];
  const broken = sound.map((sample, at) => (at % 100 === 0 ? odd[(at / 100) % 3] : sample * 4));
  const mended = sound.map((sample, at) => (at % 100 === 0 ? 0 : Math.max(-1, Math.min(1, sample * 4))));
  same(encode(open(config), broken, config), encode(open(config), mended, config));
  const square = Float32Array.from(
    { length: 48000 },
    (_, at) => (at % 96 < 48 ? 1 : -1) * (at % 5 ? 1 : Infinity),
  );
  assert.ok(decode(encode(open(config), square, config)).every(sample => Math.abs(sample) < 1.5));
});

test('what nobody can encode is refused, and the encoder goes on', () => {
  for (const config of [
    { sampleRate: 48000, channels: 3, bitrate: 64000 },
    { sampleRate: 44000, channels: 1, bitrate: 64000 },
    { sampleRate: 0, channels: 0, bitrate: 0 },
  ]) {
    assert.throws(() => open(config), Refused);
  }
  const config = { sampleRate: 48000, channels: 2, bitrate: 64000 };
  const encoder = open(config);
  assert.throws(() => encoder.encode(new Float32Array(3), 0), Refused);
  assert.throws(() => encoder.encode(new Float32Array(2), Number.NaN), Refused);
  assert.throws(() => encoder.encode(new Float32Array(2 << 20), 0), Refused);
  const sound = interleave(voice(1, 48000), voice(1, 48000, 3));
  same(encode(encoder, sound, config), encode(open(config), sound, config));
});

test('whatever comes in, it neither traps nor grows, and what comes out is AAC', () => {
  const random = seeded(11);
  const wild = [
    () => random.next() * 2 - 1,
    () => (random.next() - 0.5) * 10 ** (random.below(80) - 40),
    at => (at % 50 < 25 ? 1 : -1),
    () => [Number.NaN, Infinity, -Infinity, 1e-42, 3e38, -0][random.below(6)],
    () => 0,
    at => Math.sin(at * at * 1e-4),
  ];
  for (const config of [
    { sampleRate: 48000, channels: 2, bitrate: 128000 },
    { sampleRate: 16000, channels: 1, bitrate: 5000 },
    { sampleRate: 8000, channels: 2, bitrate: 96000 },
  ]) {
    const encoder = open(config);
    let packets = [];
    for (let round = 0; round < Number(process.env.ROUNDS ?? 400); round++) {
      const make = wild[random.below(wild.length)];
      const frames = random.below(4) === 0 ? random.below(5) : random.below(4000);
      const samples = Float32Array.from({ length: frames * config.channels }, (_, at) => make(at));
      packets.push(...encoder.encode(samples, (random.next() - 0.5) * 1e12));
      if (random.below(5) === 0) encoder.bitrate = random.below(300000);
      if (random.below(40) === 0) {
        packets.push(...encoder.flush());
        segments(packets).forEach(decode);
        packets = [];
      }
    }
    assert.ok(packets.every(({ data }) => data.length * 8 <= 6144 * config.channels));
    assert.ok(encoder.memory <= 8 << 20, `${encoder.memory} bytes`);
  }
});

test('ten minutes leave nothing behind', () => {
  for (const config of [
    { sampleRate: 48000, channels: 2, bitrate: 128000 },
    { sampleRate: 16000, channels: 1, bitrate: 16000 },
  ]) {
    const encoder = open(config);
    const one = voice(6, config.sampleRate);
    const sound = config.channels === 1 ? one : interleave(one, strings(6, config.sampleRate));
    let memory;
    for (let round = 0; round < 100; round++) {
      encoder.encode(sound, round * 6e6);
      if (round === 3) memory = encoder.memory;
    }
    assert.equal(encoder.memory, memory);
  }
});
