/** The HEVC module as its host sees it: exact beside ffmpeg, honest about damage, bounded. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { accessUnits, hvcC, isRandomAccess, packet, typeOf, withoutSets } from './hevc-stream.mjs';
import { NAMES, vector } from './hevc-vectors.mjs';
import { Codec, compile, FLAVOURS, Refused, rawvideo } from './module.mjs';

const modules = Object.fromEntries(FLAVOURS.map(flavour => [flavour, compile('hevc', flavour)]));
const streams = Object.fromEntries(NAMES.map(name => [name, stream(name)]));

function stream(name) {
  const { bytes, packets, frames } = vector(name);
  return { units: accessUnits(bytes), times: packets, frames };
}

const open = ({ units }, flavour = 'wasm') => new Codec(modules[flavour], { description: hvcC(units[0]) });

const hash = picture => createHash('md5').update(rawvideo(picture)).digest('hex');

/** `[time, MD5]` of what comes out for these packets, in its order, and how many packets were left out. */
function play(codec, packets) {
  const shown = [];
  let refused = 0;
  for (const { data, time } of [...packets, undefined].map(one => one ?? {})) {
    try {
      if (data) codec.decode(data, time, false).map(note);
      else codec.flush().map(note);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refused++;
      codec.take().map(note);
    }
  }
  function note(picture) {
    shown.push([picture.pts, hash(picture)]);
  }
  return { shown, refused };
}

const packetsOf = ({ units, times }) => units.map((unit, at) => ({ data: packet(unit), time: times[at] }));
const all = ({ frames }) => frames.map((md5, time) => [time, md5]);

for (const flavour of FLAVOURS) {
  for (const name of NAMES) {
    test(`${name} is exact and in order (hevc.${flavour})`, () => {
      const { shown, refused } = play(open(streams[name], flavour), packetsOf(streams[name]));
      assert.deepEqual({ shown, refused }, { shown: all(streams[name]), refused: 0 });
    });
  }
}

test('parameter sets may be in the record alone, or in the packets alone', () => {
  const { units, times } = streams.main10;
  const bare = units.map((unit, at) => ({ data: packet(withoutSets(unit), 2), time: times[at] }));
  const short = new Codec(modules.wasm, { description: hvcC(units[0], 2) });
  assert.deepEqual(play(short, bare).shown, all(streams.main10));
  const inBand = new Codec(modules.wasm, { description: new Uint8Array() });
  assert.deepEqual(play(inBand, packetsOf(streams.main10)).shown, all(streams.main10));
});

test('a picture of a stream without B-frames comes out with its packet', () => {
  const codec = open(streams.low);
  for (const { data, time } of packetsOf(streams.low)) {
    assert.deepEqual(
      codec.decode(data, time, false).map(picture => picture.pts),
      [time],
    );
  }
});

test('a stream joined at an open random access point begins with it, without what leads it', () => {
  const { main } = streams;
  const from = main.units.findIndex((unit, at) => at > 0 && isRandomAccess(unit));
  const start = main.times[from];
  const late = packetsOf(main).slice(from);
  const { shown, refused } = play(open(main), late);
  assert.deepEqual({ shown, refused }, { shown: all(main).slice(start), refused: 0 });
  // The same after a flush in the middle: nothing of before is referred to.
  const codec = open(main);
  play(codec, packetsOf(main).slice(0, from - 2));
  assert.deepEqual(play(codec, late).shown, all(main).slice(start));
});

test('the size and the depth may change at a keyframe', () => {
  const codec = open(streams.main);
  const chain = [streams.main, streams.main10, streams.intra, streams.full, streams.main];
  const start = at => chain.slice(0, at).reduce((sum, { frames }) => sum + frames.length, 0);
  const packets = chain.flatMap((one, at) =>
    packetsOf(one).map(({ data, time }) => ({ data, time: time + start(at) })),
  );
  const frames = chain.flatMap((one, at) => all(one).map(([time, md5]) => [time + start(at), md5]));
  assert.deepEqual(play(codec, packets).shown, frames);
});

for (const name of NAMES) {
  test(`after a lost or a cut packet no picture that refers to it is shown (${name})`, () => {
    const good = packetsOf(streams[name]);
    const { units, times, frames } = streams[name];
    good.forEach(({ data, time }, lost) => {
      const cut = [{ data: data.subarray(0, -1 - Math.floor(data.length / 3)), time }];
      for (const instead of [[], cut]) {
        const { shown } = play(open(streams[name]), good.toSpliced(lost, 1, ...instead));
        const wrong = shown.filter(([time, md5]) => md5 !== frames[time] || time === times[lost]);
        assert.deepEqual(wrong, [], `packet ${lost}`);
        // All is well from the next random access point on.
        const next = units.findIndex((unit, at) => at > lost && isRandomAccess(unit));
        const whole = next < 0 ? [] : all(streams[name]).filter(([time]) => time >= times[next]);
        const after = shown.filter(([time]) => next >= 0 && time >= times[next]);
        assert.deepEqual(after, whole, `packet ${lost}`);
      }
    });
  });
}

test('a picture that misses a slice is not shown, nor what refers to it', () => {
  const { units, times, frames } = streams.low;
  units.forEach((unit, at) => {
    const slices = unit.filter(nal => typeOf(nal) < 32);
    assert.equal(slices.length, 3);
    for (const lost of slices) {
      const packets = packetsOf(streams.low);
      packets[at].data = packet(unit.filter(nal => nal !== lost));
      const { shown } = play(open(streams.low), packets);
      assert.deepEqual(
        shown,
        frames.slice(0, times[at]).map((md5, time) => [time, md5]),
        `packet ${at}`,
      );
    }
  });
});

test('a lost picture that none refers to is the only one missing', () => {
  const { layers } = streams;
  // TSA_N: of the highest sub-layer, and not referred to in it.
  const lost = layers.units.findIndex(unit => unit.some(nal => typeOf(nal) === 2));
  const { shown, refused } = play(open(layers), packetsOf(layers).toSpliced(lost, 1));
  const rest = all(layers).filter(([time]) => time !== layers.times[lost]);
  assert.deepEqual({ shown, refused }, { shown: rest, refused: 0 });
});

/** A sequence parameter set of nothing but its size and format. */
function sps(width, height, chroma = 1) {
  const ue = value => `${'0'.repeat(Math.floor(Math.log2(value + 1)))}${(value + 1).toString(2)}`;
  const bits =
    `0000${'000'}1${'00000001'}${'0'.repeat(80)}${'01011101'}${ue(0)}${ue(chroma)}${ue(width)}${ue(height)}0` +
    `${ue(0)}${ue(0)}${ue(4)}1${ue(4)}${ue(0)}${ue(0)}${ue(0)}${ue(3)}${ue(0)}${ue(3)}${ue(0)}${ue(0)}` +
    `0000${ue(0)}00000` +
    '1';
  const bytes = bits.match(/.{1,8}/g).map(byte => Number.parseInt(byte.padEnd(8, '0'), 2));
  const nal = [66, 1];
  for (const byte of bytes) {
    if (nal.length > 3 && nal.at(-1) === 0 && nal.at(-2) === 0 && byte < 4) nal.push(3);
    nal.push(byte);
  }
  return Buffer.from(nal);
}

test('pictures of up to 4096x2304 are taken, on end too; larger ones and unknown formats are refused', () => {
  const opens = set => new Codec(modules.wasm, { description: hvcC([set]) });
  opens(sps(4096, 2304));
  opens(sps(2304, 4096));
  assert.throws(() => opens(sps(4104, 2304)), Refused);
  assert.throws(() => opens(sps(8192, 64)), Refused);
  assert.throws(() => opens(sps(1280, 720, 2)), /chroma/);
  assert.throws(() => opens(sps(1280, 720, 0)), /chroma/);
  assert.throws(() => new Codec(modules.wasm, { description: new Uint8Array(10) }), Refused);
});

test('ten thousand frames take no more memory than a hundred', () => {
  const { layers } = streams;
  const codec = open(layers);
  const packets = packetsOf(layers);
  const turn = () => play(codec, packets).shown.length;
  for (let frames = 0; frames < 100; ) frames += turn();
  const before = codec.memory;
  for (let frames = 0; frames < 10_000; ) frames += turn();
  assert.equal(codec.memory, before);
});

/** xorshift32. */
function dice(seed) {
  let state = seed;
  return sides => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % sides;
  };
}

function mutate(data, roll) {
  const bytes = Buffer.from(data);
  // Headers more often than their share: the rest is mostly one arithmetic code.
  const place = () => roll(roll(2) === 0 ? Math.min(bytes.length, 48) : bytes.length);
  for (let left = 1 + roll(3); left > 0; left--) {
    const at = place();
    const kind = roll(4);
    if (kind === 0) bytes[at] ^= 1 << roll(8);
    else if (kind === 1) bytes[at] = roll(256);
    else if (kind === 2) bytes.fill(roll(256), at, Math.min(at + roll(24), bytes.length));
    else return bytes.subarray(0, at);
  }
  return bytes;
}

test('damage of any kind ends an instance at most, and takes no more memory', context => {
  const seed = Number(process.env.SAILCAST_SEED ?? 5);
  const rounds = Number(process.env.SAILCAST_ROUNDS ?? 40);
  const roll = dice(seed);
  let [turns, traps, refused] = [0, 0, 0];
  for (const name of NAMES) {
    const good = packetsOf(streams[name]);
    const fresh = open(streams[name]);
    play(fresh, good);
    let codec = open(streams[name]);
    for (let round = 0; round < rounds; round++, turns++) {
      const bad = good.map(one => (roll(8) === 0 ? { ...one, data: mutate(one.data, roll) } : one));
      try {
        refused += play(codec, bad).refused;
      } catch (error) {
        if (!(error instanceof WebAssembly.RuntimeError)) throw error;
        traps++;
        codec = open(streams[name]);
      }
      // A size may be damaged into a larger one, up to the largest.
      assert.ok(codec.memory <= 512 << 20);
    }
    // What an instance went through leaves no trace.
    codec.flush();
    assert.deepEqual(play(codec, good).shown, all(streams[name]), name);
    assert.ok(
      codec.memory <= fresh.memory * 3,
      `${name}: ${codec.memory} bytes, ${fresh.memory} without damage`,
    );
  }
  context.diagnostic(`${turns} damaged streams (seed ${seed}): ${refused} packets refused, ${traps} traps`);
});
