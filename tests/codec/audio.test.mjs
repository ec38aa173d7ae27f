/**
 * The sound decoders of crate/codec as modules, against FFmpeg: `node --test tests/codec/audio.test.mjs` after
 * `cargo xtask codecs aac mp3 opus flac`.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { distance, join, mutants, names, read } from './audio-vectors.mjs';
import { Codec, compile, FLAVOURS, Refused } from './module.mjs';

const CODECS = ['aac', 'mp3', 'opus', 'flac'];
/** Noise that far below the sound is nothing that anybody hears, or that 13 bits would show. */
const CLOSE = 80;
const modules = new Map(
  CODECS.flatMap(codec => FLAVOURS.map(flavour => [codec + flavour, compile(codec, flavour)])),
);

const open = (vector, flavour = 'wasm', config = {}) =>
  new Codec(modules.get(vector.codec + flavour), { ...vector, ...config });

/** Everything, each packet a second after the one before. */
const decodeAll = (codec, packets) => packets.flatMap((packet, at) => codec.decode(packet, at * 1e6, true));

for (const flavour of FLAVOURS) {
  for (const name of names()) {
    test(`${name} sounds as FFmpeg has it (${flavour})`, () => {
      const vector = read(name);
      const sounds = decodeAll(open(vector, flavour), vector.packets);
      const samples = join(sounds);
      assert.equal(samples.length, vector.samples);
      for (const sound of sounds) {
        assert.equal(sound.sampleRate, vector.sampleRate);
        assert.equal(sound.channels, vector.channels);
      }
      if (vector.sha1) {
        assert.equal(createHash('sha1').update(samples).digest('hex'), vector.sha1);
      } else {
        const decibels = distance(samples, vector);
        assert.ok(decibels >= CLOSE, `${decibels.toFixed(1)} dB`);
      }
    });
  }
}

test('the times of packets pass through', () => {
  for (const name of ['aac-44100', 'aac-hev2', 'mp3-44100', 'flac-16']) {
    const vector = read(name);
    const times = decodeAll(open(vector), vector.packets).map(sound => sound.pts);
    assert.deepEqual(
      times,
      vector.packets.map((_, at) => at * 1e6),
      name,
    );
  }
});

test("Opus' pre-skip is left out once, and what is heard keeps its time", () => {
  const vector = read('opus-celt-20');
  const skip = vector.description.readUInt16LE(10);
  const codec = open(vector);
  const [first] = codec.decode(vector.packets[0], 1e6, true);
  assert.equal(first.samples.length / 2, 960 - skip);
  assert.ok(Math.abs(first.pts - 1e6 - (skip / 48000) * 1e6) < 0.001);
  const [second] = codec.decode(vector.packets[1], 2e6, true);
  assert.deepEqual([second.pts, second.samples.length], [2e6, 1920]);
  codec.flush();
  const [after] = codec.decode(vector.packets[0], 3e6, true);
  assert.deepEqual([after.pts, after.samples.length], [3e6, 1920]);
});

test('a lost packet of Opus is concealed for as long as the one before', () => {
  const vector = read('opus-celt-10');
  const codec = open(vector);
  decodeAll(codec, vector.packets.slice(0, 10));
  const [sound] = codec.decode(new Uint8Array(), 0, true);
  assert.equal(sound.samples.length, 960);
  assert.ok(sound.samples.some(sample => Math.abs(sample) > 0.001));
});

test('an empty packet of AAC, MP3 or FLAC is no sound and no damage', () => {
  for (const name of ['aac-44100', 'mp3-44100', 'flac-16']) {
    assert.deepEqual(open(read(name)).decode(new Uint8Array(), 0, true), [], name);
  }
});

test('several frames of MP3 in a packet follow one another', () => {
  const vector = read('mp3-44100');
  const tag = Buffer.from('ID3\x04\0\0\0\0\0\x05-tag-', 'latin1');
  const sounds = open(vector).decode(Buffer.concat([tag, ...vector.packets]), 0, true);
  assert.ok(distance(join(sounds), vector) >= CLOSE);
  for (const [at, sound] of sounds.entries()) {
    assert.ok(Math.abs(sound.pts - (at * 1152 * 1e6) / 44100) < 1, `${at}`);
  }
});

test('MP3 that begins in mid-stream is silence until its bits are there', () => {
  const vector = read('mp3-vbr');
  const sounds = decodeAll(open(vector), vector.packets.slice(5));
  const last = sounds.at(-1);
  assert.equal(join(sounds).length, (vector.packets.length - 5) * 1152 * 2);
  assert.ok(last.samples.some(sample => sample !== 0));
});

test('rate and channels may change in mid-stream', () => {
  const cases = [
    ['mp3-44100', 'mp3-22050'],
    ['mp3-mono', 'mp3-44100'],
    ['flac-16', 'flac-mono'],
    // The same configuration: SBR begins, and twice the rate with it.
    ['aac-22050', 'aac-he-implicit'],
  ];
  for (const [before, after] of cases) {
    const [first, second] = [read(before), read(after)];
    const codec = open(first);
    decodeAll(codec, first.packets);
    const sounds = decodeAll(codec, second.packets);
    const last = sounds.at(-1);
    assert.deepEqual([last.sampleRate, last.channels], [second.sampleRate, second.channels], after);
    assert.equal(sounds.length, second.packets.length);
  }
});

test('a configuration that is missing is made of the hints', () => {
  const hints = [
    ['aac-44100', 44100],
    ['aac-he-implicit', 22050],
    ['mp3-44100', 0],
    ['flac-16', 0],
  ];
  for (const [name, sampleRate] of hints) {
    const vector = read(name);
    const codec = open(vector, 'wasm', { description: undefined, sampleRate });
    assert.ok(distance(join(decodeAll(codec, vector.packets)), vector) >= CLOSE, name);
  }
  assert.throws(() => open(read('opus-5.1'), 'wasm', { description: undefined }), Refused);
});

test('configurations that nothing here decodes are refused at once', () => {
  const usac = Buffer.from([0xf9, 0x46, 0x40, 0x20]);
  const eld = Buffer.from('f8e850002c00', 'hex');
  for (const description of [usac, eld, Buffer.from([0x12])]) {
    assert.throws(() => open(read('aac-44100'), 'wasm', { description }), Refused);
  }
  assert.throws(() => open(read('opus-celt-20'), 'wasm', { description: Buffer.from('OpusHea') }), Refused);
  assert.throws(() => open(read('flac-16'), 'wasm', { description: Buffer.from('fLaC') }), Refused);
});

test('HE-AAC plays at its rate where one comes in in mid-stream, and whole from its next SBR header on', () => {
  for (const name of ['aac-he', 'aac-he-implicit', 'aac-hev2', 'aac-hev2-implicit', 'aac-he-mono']) {
    const vector = read(name);
    const whole = decodeAll(open(vector), vector.packets);
    // A header comes with every tenth packet.
    const sounds = decodeAll(open(vector), vector.packets.slice(5));
    assert.equal(sounds.length, whole.length - 5, name);
    assert.ok(
      sounds.every(
        sound => sound.sampleRate === 44100 && sound.samples.some(sample => Math.abs(sample) > 0.05),
      ),
    );
    const late = { ...vector, expected: whole.at(-1).samples, stride: 1 };
    assert.ok(distance(sounds.at(-1).samples, late) > 10, `${name} ${distance(sounds.at(-1).samples, late)}`);
  }
});

test('a damaged packet is told, and the sound is itself again soon after', () => {
  for (const [name, memory] of [
    ['aac-44100', 1],
    ['aac-5.1', 1],
    ['mp3-44100', 6],
    ['flac-24', 0],
  ]) {
    const vector = read(name);
    const whole = decodeAll(open(vector), vector.packets);
    const codec = open(vector);
    const bad = 2;
    let again;
    for (const [at, packet] of vector.packets.entries()) {
      if (at === bad) {
        assert.throws(() => codec.decode(packet.subarray(0, packet.length / 2), 0, true), Refused, name);
        codec.take();
      } else {
        [again] = codec.decode(packet, 0, true);
        if (at > bad + memory) assert.deepEqual(again.samples, whole[at].samples, `${name} ${at}`);
      }
    }
  }
});

test('thousands of damaged packets: no trap, no growth, no burst of noise', () => {
  const fuzzed = [
    ...['aac-44100', 'aac-noise', 'aac-5.1', 'aac-he-implicit', 'aac-hev2', 'aac-he-5.1'],
    ...['mp3-44100', 'mp3-vbr', 'opus-hybrid-20', 'opus-silk-stereo-40', 'opus-celt-20', 'opus-5.1'],
    ...['flac-24', 'flac-5.1'],
  ];
  for (const name of fuzzed) {
    const vector = read(name);
    const seen = { traps: 0, refused: 0, memory: 0 };
    let codec = open(vector);
    for (const packet of mutants(vector.packets, Number(process.env.MUTANTS ?? 1000), name.length)) {
      try {
        const sounds = codec.decode(packet, 0, true);
        assert.ok(
          sounds.every(sound => sound.samples.every(sample => Math.abs(sample) <= 4)),
          name,
        );
      } catch (error) {
        if (error instanceof WebAssembly.RuntimeError) {
          seen.traps += 1;
          codec = open(vector);
        } else if (error instanceof Refused) {
          seen.refused += 1;
          codec.take();
        } else throw error;
      }
      seen.memory = Math.max(seen.memory, codec.memory);
    }
    assert.equal(seen.traps, 0, name);
    assert.ok(seen.memory <= 8 << 20, `${name}: ${seen.memory} bytes`);
    // It still plays.
    decodeAll(codec, vector.packets);
    assert.ok(decodeAll(codec, vector.packets).length >= vector.packets.length, name);
  }
});

test('thousands of packets leave nothing behind', () => {
  // PACKETS=100000 has been seen to hold; it takes two minutes.
  const count = Number(process.env.PACKETS ?? 10_000);
  for (const name of ['aac-8000', 'aac-hev2', 'mp3-8000', 'opus-celt-2.5', 'flac-quiet']) {
    const vector = read(name);
    const codec = open(vector);
    let memory;
    for (let at = 0; at < count; at++) {
      codec.decode(vector.packets[at % vector.packets.length], 0, true);
      if (at === count / 10) memory = codec.memory;
    }
    assert.equal(codec.memory, memory, name);
  }
});
