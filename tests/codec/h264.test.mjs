/** The H.264 module, with SIMD and without, as a player has it: packets in, pictures out. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { readAnnexB } from './annexb.mjs';
import { ffmpeg, md5, pictures, x264 } from './ffmpeg.mjs';
import { readFlv } from './flv.mjs';
import { Codec, compile, FLAVOURS, Refused, rawvideo, root } from './module.mjs';
import { seeded } from './random.mjs';

const expected = JSON.parse(readFileSync(path.join(root, 'tests/codec/expected/h264.json'), 'utf8'));
const fixture = name => readFlv(path.join(root, `tests/fixtures/media/${name}.flv`)).video;
const sum = picture => md5(rawvideo(picture)).slice(0, 16);

/** Pictures and refusals of packets, and what is inside at the end. */
function play(module, { description, packets }, end = true) {
  const codec = new Codec(module, { description });
  const shown = [];
  const refused = [];
  packets.forEach((packet, at) => {
    try {
      shown.push(...codec.decode(packet.data, packet.pts, packet.keyframe));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refused.push(at);
      shown.push(...codec.take());
    }
  });
  if (end) shown.push(...codec.flush());
  return { shown, refused, codec };
}

/** By time of presentation: what a whole stream should show. */
function wanted(name, { packets }) {
  const times = packets.map(packet => packet.pts).sort((a, b) => a - b);
  return new Map(times.map((pts, at) => [pts, expected[name][at]]));
}

function isRight(shown, right) {
  for (const picture of shown) assert.equal(sum(picture), right.get(picture.pts), `at ${picture.pts}`);
  for (let at = 1; at < shown.length; at++) assert.ok(shown[at].pts > shown[at - 1].pts, 'in order');
}

for (const flavour of FLAVOURS) {
  const module = compile('h264', flavour);

  for (const name of Object.keys(expected)) {
    test(`${flavour}: ${name} is as ffmpeg has it, picture by picture`, () => {
      const stream = fixture(name);
      const { shown, refused } = play(module, stream);
      assert.deepEqual([shown.length, refused.length], [stream.packets.length, 0]);
      isRight(shown, wanted(name, stream));
    });
  }

  test(`${flavour}: what profiles and encoders differ in is as ffmpeg has it`, () => {
    const kinds = {
      baseline: { args: ['-profile:v', 'baseline'] },
      'two groups': { params: 'keyint=6:bframes=2', frames: 20 },
      'temporal prediction': { params: 'direct=temporal:bframes=3:b-pyramid=normal:ref=4' },
      'temporal prediction in CAVLC': { params: 'cabac=0:direct=temporal:bframes=3:ref=4' },
      'spatial prediction in CAVLC': { params: 'cabac=0:bframes=3:b-pyramid=normal', frames: 30 },
      'large levels in CAVLC': { params: 'cabac=0:qp=1', size: '320x240' },
      'several slices': { params: 'slices=3:bframes=2' },
      'many slices': { params: 'slice-max-size=300:cabac=0' },
      'matrices of its own': { params: 'cqm=jvt:bframes=2' },
      'weighted prediction': { params: 'weightp=2:ref=3:bframes=0' },
      'refreshed by columns': { params: 'intra-refresh=1:keyint=10', frames: 30 },
      'cut to an odd number of macroblocks': { size: '174x130' },
    };
    for (const [kind, options] of Object.entries(kinds)) {
      const bytes = x264(options);
      const { shown, refused } = play(module, readAnnexB(bytes));
      assert.deepEqual(refused, [], kind);
      assert.deepEqual(
        shown.map(picture => md5(rawvideo(picture))),
        pictures(['-f', 'h264', '-i', '-'], bytes),
        kind,
      );
    }
  });

  test(`${flavour}: a grey picture has its luma and grey chroma`, () => {
    const bytes = x264({ args: ['-pix_fmt', 'gray'] });
    const { shown } = play(module, readAnnexB(bytes));
    const raw = ffmpeg(['-f', 'h264', '-i', '-', '-f', 'rawvideo', '-pix_fmt', 'gray', '-'], bytes);
    const [luma, ...chroma] = [0, 1, 2].map(at => Buffer.concat(shown.map(({ planes }) => planes[at].data)));
    assert.ok(luma.equals(raw));
    for (const plane of chroma)
      assert.deepEqual([plane.length, new Set(plane)], [raw.length / 4, new Set([128])]);
  });

  test(`${flavour}: without B pictures each picture comes with its packet`, () => {
    const stream = fixture('counter-av');
    const { shown } = play(module, stream, false);
    assert.equal(shown.length, stream.packets.length);
  });

  test(`${flavour}: after a lost picture nothing is shown until the next keyframe, and all of what follows`, () => {
    const stream = fixture('counter-av');
    const right = wanted('counter-av', stream);
    const packets = stream.packets.filter((_, at) => at !== 70 && at !== 130);
    const { shown } = play(module, { ...stream, packets });
    isRight(shown, right);
    const lost = at => (at >= 70 && at < 120) || (at >= 130 && at < 180);
    const times = stream.packets.filter((_, at) => !lost(at)).map(packet => packet.pts);
    assert.deepEqual(
      shown.map(picture => picture.pts),
      times,
    );
  });

  test(`${flavour}: pictures that none refers to may be left out`, () => {
    const stream = fixture('counter-bframes');
    const packets = stream.packets.filter(packet => slices(packet.data).some(nal => nal[0] & 0x60));
    assert.ok(packets.length < stream.packets.length);
    const { shown, refused } = play(module, { ...stream, packets });
    assert.deepEqual([shown.length, refused.length], [packets.length, 0]);
    isRight(shown, wanted('counter-bframes', stream));
  });

  test(`${flavour}: a stream that begins between keyframes shows its first picture at the first of them`, () => {
    const stream = fixture('counter-bframes');
    const { shown, refused } = play(module, { ...stream, packets: stream.packets.slice(31) });
    assert.equal(refused.length, 0);
    const first = stream.packets.findIndex((packet, at) => at > 31 && packet.keyframe);
    assert.equal(shown.length, stream.packets.length - first);
    isRight(shown, wanted('counter-bframes', stream));
  });

  test(`${flavour}: a keyframe that is no IDR picture begins a stream; what leads into it is not shown`, () => {
    const bytes = x264({ params: 'open-gop=1:keyint=10:bframes=2:b-pyramid=none', frames: 40 });
    const stream = readAnnexB(bytes);
    const sums = pictures(['-f', 'h264', '-i', '-'], bytes);
    const times = stream.packets.map(packet => packet.pts).sort((a, b) => a - b);
    const right = new Map(times.map((pts, at) => [pts, sums[at].slice(0, 16)]));
    const at = stream.packets.findIndex((packet, index) => index > 0 && isIntra(packet.data));
    assert.ok(at > 0 && !stream.packets[at].keyframe);
    const packets = stream.packets.slice(at);
    packets[0] = { ...packets[0], keyframe: true };
    const { shown, refused } = play(module, { ...stream, packets });
    assert.equal(refused.length, 0);
    assert.equal(shown[0].pts, packets[0].pts);
    assert.equal(shown.length, packets.filter(packet => packet.pts >= packets[0].pts).length);
    isRight(shown, right);
  });

  test(`${flavour}: a flush gives what waits, and decoding goes on at a keyframe`, () => {
    const stream = fixture('counter-bframes');
    const { shown, codec } = play(module, { ...stream, packets: stream.packets.slice(0, 59) });
    assert.equal(shown.length, 59);
    const { data, pts } = stream.packets[59];
    assert.deepEqual(codec.decode(data, pts, false), []);
    const next = stream.packets[60];
    assert.ok(next.keyframe);
    assert.equal(codec.decode(next.data, next.pts, true).length, 1);
  });

  test(`${flavour}: the size changes with a parameter set in mid-stream`, () => {
    const small = x264({ size: '160x120', frames: 5 });
    const large = x264({ size: '320x192', frames: 5 });
    const { shown, refused } = play(module, readAnnexB(Buffer.concat([small, large, small])));
    assert.deepEqual(refused, []);
    const right = [small, large, small].flatMap(bytes => pictures(['-f', 'h264', '-i', '-'], bytes));
    assert.deepEqual(
      shown.map(picture => md5(rawvideo(picture))),
      right,
    );
    assert.deepEqual([shown[0].width, shown[5].width, shown[10].width], [160, 320, 160]);
  });

  test(`${flavour}: what cannot be decoded is refused at once, with a reason`, () => {
    const refuses = (options, why) => {
      const { description } = readAnnexB(x264({ frames: 1, ...options }));
      assert.throws(() => new Codec(module, { description }), { message: why });
    };
    refuses({ size: '4112x32' }, /4112x32 is more than 4096x2304/);
    refuses({ params: 'interlaced=1', size: '160x128' }, /parameter sets/);
    refuses({ args: ['-pix_fmt', 'yuv420p10le'] }, /parameter sets/);
    refuses({ args: ['-pix_fmt', 'yuv444p'] }, /parameter sets/);
    for (const description of [new Uint8Array(), new Uint8Array([1, 2, 3]), new Uint8Array(64)]) {
      assert.throws(() => new Codec(module, { description }), Refused);
    }
  });

  test(`${flavour}: damaged packets end in silence or a new instance, never in more memory`, t => {
    const stream = fixture('counter-bframes');
    const right = wanted('counter-bframes', stream);
    const random = seeded(0x5a11);
    const packets = stream.packets.slice(0, 120);
    const clean = play(module, { ...stream, packets }).codec.memory;
    let codec = new Codec(module, stream);
    const count = { damaged: 0, traps: 0, refused: 0, right: 0, wrong: 0 };
    for (let round = 0; round < 12; round++) {
      // A group that nothing happens to comes out whole after whatever happened before.
      let untouched = false;
      for (const packet of packets) {
        if (packet.keyframe) untouched = random.next() < 0.2;
        const damage = !untouched && random.next() < 0.15;
        count.damaged += damage;
        let shown;
        try {
          shown = codec.decode(
            damage ? damaged(packet.data, random) : packet.data,
            packet.pts,
            packet.keyframe,
          );
        } catch (error) {
          if (error instanceof WebAssembly.RuntimeError) {
            count.traps++;
            codec = new Codec(module, stream);
            continue;
          }
          if (!(error instanceof Refused)) throw error;
          count.refused++;
          shown = codec.take();
        }
        for (const picture of shown) {
          const same = sum(picture) === right.get(picture.pts);
          if (!same && untouched && !packet.keyframe) assert.fail(`a wrong picture at ${picture.pts}`);
          count[same ? 'right' : 'wrong']++;
        }
        assert.ok(codec.memory <= clean * 2, `${codec.memory} bytes`);
      }
    }
    t.diagnostic(JSON.stringify(count));
    // Some damage makes a valid stream of another picture: nobody can tell.
    assert.ok(count.wrong < count.right / 20, JSON.stringify(count));
    assert.ok(count.refused > count.damaged / 10, JSON.stringify(count));
  });

  test(`${flavour}: configurations of noise are refused and packets of noise show nothing`, () => {
    const random = seeded(7);
    const { description } = fixture('card');
    for (let round = 0; round < 300; round++) {
      const noise = Uint8Array.from(description, byte => (random.next() < 0.1 ? random.below(256) : byte));
      try {
        const codec = new Codec(module, { description: noise });
        const packet = Uint8Array.from({ length: random.below(400) }, () => random.below(256));
        assert.deepEqual(codec.decode(packet, 0, true), []);
      } catch (error) {
        if (!(error instanceof Refused) && !(error instanceof WebAssembly.RuntimeError)) throw error;
      }
    }
  });
}

test('ten thousand pictures need no more memory than five hundred', () => {
  const stream = fixture('video-only');
  const codec = new Codec(compile('h264'), stream);
  let memory = 0;
  let shown = 0;
  for (let round = 0; shown < 10_000; round++) {
    for (const packet of stream.packets) {
      shown += codec.decode(packet.data, packet.pts, packet.keyframe).length;
    }
    shown += codec.flush().length;
    if (round === 1) memory = codec.memory;
  }
  assert.equal(codec.memory, memory);
});

const corpus = process.env.SAILCAST_CORPUS;
/** Not to be had from a player's module, and why. */
const ODD = new Map([
  ['sps_subsetsps_bothVUI.264', 'it has no picture of a base layer'],
  [
    'Cisco_Adobe_PDF_sample_a_1024x768_CAVLC_Bframe_9.264',
    'it shows pictures before the IDR picture that they follow',
  ],
  ['Cisco_Men_whisper_640x320_CABAC_Bframe_9.264', 'as above'],
  ['Cisco_Men_whisper_640x320_CAVLC_Bframe_9.264', 'as above'],
  ['test_scalinglist_jm.264', 'the sum is not of what ffmpeg decodes, and we do as ffmpeg'],
]);
test('the conformance streams are exact', { skip: corpus ? false : 'SAILCAST_CORPUS names no folder' }, t => {
  const module = compile('h264');
  const lines = readFileSync(path.join(corpus, 'SHA1SUMS.txt'), 'utf8').split('\n');
  const listed = lines.filter(line => /^[0-9a-f]{40}/.test(line)).map(line => line.split(/\s+/));
  let exact = 0;
  for (const [sha1, name, , absent] of listed) {
    if (absent || ODD.has(name)) continue;
    const { shown, refused } = play(module, readAnnexB(readFileSync(path.join(corpus, name))));
    assert.deepEqual(refused, [], name);
    const all = createHash('sha1');
    for (const picture of shown) all.update(rawvideo(picture));
    assert.equal(all.digest('hex'), sha1, name);
    exact++;
  }
  t.diagnostic(`${exact} streams, without ${[...ODD].map(([name, why]) => `${name} (${why})`).join(', ')}`);
});

/** One of what happens to bytes on their way, or to those who send them. */
function damaged(data, random) {
  const copy = Uint8Array.from(data);
  const kind = random.next();
  if (kind < 0.2) return copy.subarray(0, random.below(copy.length));
  if (kind < 0.4) return copy.fill(random.below(256), random.below(copy.length));
  if (kind < 0.6) {
    const at = random.below(copy.length);
    return copy.fill(0, at, at + 8);
  }
  for (let left = 1 + random.below(3); left > 0; left--)
    copy[random.below(copy.length)] ^= 1 << random.below(8);
  return copy;
}

function slices(packet) {
  const found = [];
  for (let at = 0; at + 4 < packet.length; ) {
    const end = at + 4 + packet.readUInt32BE(at);
    if ([1, 5].includes(packet[at + 4] & 0x1f)) found.push(packet.subarray(at + 4, end));
    at = end;
  }
  return found;
}

/** first_mb_in_slice is 0, and slice_type 7: as x264 writes pictures of I slices only. */
function isIntra(packet) {
  return slices(packet).every(nal => nal[1] >> 1 === 0b1000100);
}
