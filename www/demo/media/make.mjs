#!/usr/bin/env node
/**
 * Makes demo.flv, the loop of the demo channel: `node www/demo/media/make.mjs` (ffmpeg with DejaVu fonts; two minutes).
 * A boat on the sea at 1280x720, 30 frames a second, with plucked notes. Every motion has a whole number of cycles in
 * the 16 s, the sound is written round the end, and 16 s hold a whole number of AAC frames, so the loop has no seam.
 * The encoder's 1024 samples of priming are part of the 16 s (see tests/fixtures/make.mjs).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const W = 1280;
const H = 720;
const FPS = 30;
const SECONDS = 16;
const RATE = 48000;
const TAU = Math.PI * 2;
const HORIZON = 392;

const mix = (a, b, t) => a + (b - a) * t;
const mix3 = (a, b, t) => [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)];
const clamp = (x, lo = 0, hi = 1) => Math.min(hi, Math.max(lo, x));
const smooth = x => {
  const t = clamp(x);
  return t * t * (3 - 2 * t);
};

/** Palettes of the sky from top to horizon; the scene breathes from the first to the second and back. */
const DUSK = [
  [24, 30, 74],
  [86, 62, 128],
  [222, 116, 110],
  [255, 196, 122],
];
const DAWN = [
  [30, 58, 112],
  [78, 118, 176],
  [236, 164, 132],
  [255, 222, 156],
];

/** Far to near: rest height, amplitude, colour, and [cycles across the picture, cycles in the loop, share] a wave. */
const WAVES = [
  { y: HORIZON, amp: 0.8, colour: [176, 112, 122], parts: [[9, 2, 1]] },
  {
    y: 420,
    amp: 4,
    colour: [128, 88, 124],
    parts: [
      [5, 2, 0.7],
      [11, -3, 0.3],
    ],
  },
  {
    y: 462,
    amp: 8,
    colour: [84, 72, 120],
    parts: [
      [3, 2, 0.7],
      [7, 4, 0.3],
    ],
  },
  {
    y: 520,
    amp: 13,
    colour: [50, 58, 110],
    parts: [
      [2, -2, 0.6],
      [5, 3, 0.4],
    ],
  },
  {
    y: 596,
    amp: 18,
    colour: [30, 44, 92],
    parts: [
      [2, 2, 0.6],
      [3, -3, 0.4],
    ],
  },
  {
    y: 668,
    amp: 20,
    colour: [18, 30, 68],
    parts: [
      [1, 2, 0.6],
      [4, 4, 0.4],
    ],
  },
];
const BOAT_LAYER = 3;

/** Light on the crest of a wave, fading with the depth below it in pixels. */
const CREST = [255, 206, 178];
const crestOf = depth => 0.3 * Math.exp(-depth / 3.5) + 0.1 * Math.exp(-depth / 26);

const waveHeight = (wave, x, phase) =>
  wave.y +
  wave.amp *
    wave.parts.reduce(
      (s, [k, n, share], i) => s + share * Math.sin(TAU * ((k * x) / W - n * phase) + i * 2.1 + wave.y),
      0,
    );

/** 4x4 ordered dither: one least significant bit, against bands in the sky. */
const BAYER = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5].map(v => (v + 0.5) / 16);

/** Coverage of a convex polygon (counter-clockwise on the screen) at a point: 1 inside, soft over one pixel. */
function polygon(points, x, y) {
  let d = Infinity;
  for (let i = 0; i < points.length; i++) {
    const [ax, ay] = points[i];
    const [bx, by] = points[(i + 1) % points.length];
    const ex = bx - ax;
    const ey = by - ay;
    d = Math.min(d, ((y - ay) * ex - (x - ax) * ey) / -Math.hypot(ex, ey));
  }
  return clamp(d + 0.5);
}

/** The boat in its own coordinates: origin at the water line, x to the bow, y up. */
const HULL = [
  [-92, 16],
  [-70, -26],
  [70, -26],
  [112, 22],
];
const MAST = [
  [-3, 10],
  [3, 10],
  [2, 232],
  [-2, 232],
];
const MAIN = [
  [-9, 30],
  [-9, 222],
  [-88, 30],
];
const JIB = [
  [8, 34],
  [98, 30],
  [8, 208],
];
const STRIPE = [
  [-87, 8],
  [-83, 1],
  [99, 4],
  [104, 11],
];
const signed = p =>
  p.reduce((s, [x, y], i) => {
    const [u, v] = p[(i + 1) % p.length];
    return s + x * v - u * y;
  }, 0) > 0
    ? [...p].reverse()
    : p;
const PARTS = [
  [signed(MAST), [92, 64, 60]],
  [signed(MAIN), [250, 236, 214]],
  [signed(JIB), [240, 128, 92]],
  [signed(HULL), [58, 38, 60]],
  [signed(STRIPE), [240, 206, 150]],
];

function drawBoat(out, x0, y0, angle) {
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  for (let y = Math.floor(y0 - 250); y < y0 + 44; y++) {
    for (let x = Math.floor(x0 - 150); x < x0 + 150; x++) {
      if (x < 0 || x >= W || y < 0 || y >= H) continue;
      const dx = x - x0;
      const dy = y0 - y;
      const u = dx * c - dy * s;
      const v = dx * s + dy * c;
      const o = (y * W + x) * 3;
      for (const [points, colour] of PARTS) {
        const a = polygon(points, u, v);
        if (a > 0) {
          const shade =
            points === PARTS[1][0] || points === PARTS[2][0] ? 0.86 + 0.14 * clamp((v - 30) / 180) : 1;
          for (let k = 0; k < 3; k++) out[o + k] = mix(out[o + k], colour[k] * shade, a);
        }
      }
    }
  }
}

/** A gull is two arcs that flap. */
function drawGull(out, x0, y0, size, flap) {
  for (let y = Math.floor(y0 - size); y < y0 + size; y++) {
    for (let x = Math.floor(x0 - size); x <= x0 + size; x++) {
      if (x < 0 || x >= W || y < 0 || y >= H) continue;
      const u = Math.abs(x - x0) / size;
      const arc = y0 - size * (0.55 + 0.35 * flap) * Math.sin(Math.PI * u * 0.72) * (1 - 0.25 * u);
      const a = clamp(1.6 * (1 - u) + 0.7 - Math.abs(y - arc)) * (u > 1 ? 0 : 1);
      if (a > 0) {
        const o = (y * W + x) * 3;
        for (let k = 0; k < 3; k++) out[o + k] = mix(out[o + k], [52, 48, 84][k], a * 0.9);
      }
    }
  }
}

const CLOUDS = [
  { x: 0.12, y: 150, rx: 210, ry: 20, a: 0.34 },
  { x: 0.2, y: 172, rx: 150, ry: 13, a: 0.26 },
  { x: 0.58, y: 222, rx: 260, ry: 17, a: 0.32 },
  { x: 0.66, y: 205, rx: 140, ry: 12, a: 0.24 },
  { x: 0.9, y: 120, rx: 180, ry: 16, a: 0.26 },
  { x: 0.42, y: 302, rx: 300, ry: 12, a: 0.3 },
];

function render(frame, out) {
  const phase = frame / (FPS * SECONDS);
  const mood = 0.5 - 0.5 * Math.cos(TAU * phase);
  const sky = DUSK.map((c, i) => mix3(c, DAWN[i], mood));
  const sunX = 820;
  const sunY = HORIZON - 34 - 46 * mood;
  const sun = [255, 238, 196];
  const glow = [255, 176, 112];
  const heights = WAVES.map(w => {
    const h = new Float32Array(W);
    for (let x = 0; x < W; x++) h[x] = waveHeight(w, x, phase);
    return h;
  });
  const colours = WAVES.map((w, i) => mix3(w.colour, sky[3], 0.14 * mood * (1 - i / WAVES.length)));

  for (let y = 0; y < H; y++) {
    const s = clamp(y / HORIZON) * 3;
    const i = Math.min(2, Math.floor(s));
    const base = mix3(sky[i], sky[i + 1], s - i);
    for (let x = 0; x < W; x++) {
      let r = base[0];
      let g = base[1];
      let b = base[2];
      const top = heights[0][x];
      if (y < top + 1) {
        const d = Math.hypot(x - sunX, y - sunY);
        const halo = 0.62 * Math.exp(-d / 130);
        r = mix(r, glow[0], halo);
        g = mix(g, glow[1], halo);
        b = mix(b, glow[2], halo);
        const disc = clamp(58 - d + 0.5);
        r = mix(r, sun[0], disc);
        g = mix(g, sun[1], disc);
        b = mix(b, sun[2], disc);
        for (const c of CLOUDS) {
          let dx = x - ((c.x + phase) % 1) * (W + 700) + 350;
          if (Math.abs(dx) > c.rx) continue;
          dx /= c.rx;
          const dy = (y - c.y) / c.ry;
          const a = c.a * smooth((1 - dx * dx - dy * dy) * 0.9);
          r = mix(r, 255, a);
          g = mix(g, 214, a);
          b = mix(b, 202, a);
        }
      }
      for (let k = 0; k < WAVES.length; k++) {
        const cover = clamp(y - heights[k][x] + 0.5);
        if (cover <= 0) break;
        const depth = y - heights[k][x];
        const c = colours[k];
        const crest = crestOf(depth);
        let cr = mix(c[0], CREST[0], crest);
        let cg = mix(c[1], CREST[1], crest);
        let cb = mix(c[2], CREST[2], crest);
        const spread = 34 + (y - HORIZON) * 0.3;
        const away = (x - sunX) / spread;
        if (away > -2 && away < 2) {
          const ripple =
            0.5 + 0.5 * Math.sin(y * 0.42 + 5 * Math.sin(x * 0.021 + k) - TAU * 6 * phase + k * 1.7);
          const lit =
            0.5 * Math.exp(-away * away * 1.6) * smooth(ripple * 1.5 - 0.45) * (1 - (y - HORIZON) / 420);
          cr = mix(cr, 255, lit);
          cg = mix(cg, 214, lit);
          cb = mix(cb, 150, lit);
        }
        r = mix(r, cr, cover);
        g = mix(g, cg, cover);
        b = mix(b, cb, cover);
      }
      const o = (y * W + x) * 3;
      out[o] = r;
      out[o + 1] = g;
      out[o + 2] = b;
    }
  }

  const bx = 400 + 36 * Math.sin(TAU * phase);
  const wave = WAVES[BOAT_LAYER];
  const slope = (waveHeight(wave, bx + 70, phase) - waveHeight(wave, bx - 70, phase)) / 140;
  drawBoat(out, bx, waveHeight(wave, bx, phase) + 6, slope * 0.8 + 0.03 * Math.sin(TAU * 4 * phase));
  for (let x = Math.floor(bx - 150); x < bx + 150; x++) {
    for (let y = Math.floor(heights[BOAT_LAYER][x]) + 10; y < heights[BOAT_LAYER + 1][x] + 1 && y < H; y++) {
      const o = (y * W + x) * 3;
      const a = clamp(y - heights[BOAT_LAYER][x] - 10);
      const crest = crestOf(y - heights[BOAT_LAYER][x]);
      if (y < heights[BOAT_LAYER][x] + 46)
        for (let k = 0; k < 3; k++)
          out[o + k] = mix(out[o + k], mix(colours[BOAT_LAYER][k], CREST[k], crest), a);
    }
  }
  for (const [k, y, size] of [
    [0, 168, 22],
    [0.07, 196, 16],
    [0.035, 140, 13],
  ]) {
    const t = (phase + k) % 1;
    drawGull(out, -60 + t * (W + 120), y + 16 * Math.sin(TAU * 2 * t), size, Math.sin(TAU * 10 * t));
  }
}

/** Pentatonic plucks on the half seconds, over a quiet chord; written modulo the loop's length. */
function sound() {
  const n = SECONDS * RATE;
  const left = new Float32Array(n);
  const right = new Float32Array(n);
  const note = m => 440 * 2 ** ((m - 69) / 12);
  const pluck = (at, midi, gain, pan) => {
    const f = note(midi);
    for (let i = 0; i < RATE * 2.4; i++) {
      const t = i / RATE;
      const env = Math.min(1, t / 0.006) * Math.exp(-t * 2.6) * (1 - smooth((t - 2) / 0.4));
      const v =
        gain *
        env *
        (Math.sin(TAU * f * t) +
          0.3 * Math.sin(TAU * 2 * f * t) * Math.exp(-t * 4) +
          0.12 * Math.sin(TAU * 3 * f * t) * Math.exp(-t * 8));
      const j = (Math.round(at * RATE) + i) % n;
      left[j] += v * (1 - pan);
      right[j] += v * pan;
    }
  };
  const tune = [
    69, 0, 76, 72, 74, 0, 72, 0, 67, 0, 74, 71, 72, 69, 0, 0, 65, 0, 72, 69, 76, 0, 74, 72, 67, 0, 71, 74, 69,
    0, 76, 81,
  ];
  tune.forEach((m, i) => {
    if (m) pluck(i * 0.5, m, 0.13, 0.35 + (0.3 * ((i * 5) % 7)) / 6);
  });
  [
    [0, 45],
    [4, 43],
    [8, 41],
    [12, 43],
  ].forEach(([at, m]) => {
    pluck(at, m, 0.16, 0.5);
    pluck(at + 2, m + 12, 0.08, 0.5);
  });
  // A surf of looped noise: low-passed twice round so that the filter's state at the end is the state at the beginning.
  let seed = 1;
  const noise = Float32Array.from({ length: n }, () => {
    seed = (seed * 1664525 + 1013904223) >>> 0;
    return seed / 2 ** 31 - 1;
  });
  let a = 0;
  let b = 0;
  for (let i = 0; i < 2 * n; i++) {
    a += 0.035 * (noise[i % n] - a);
    b += 0.035 * (a - b);
    if (i < n) continue;
    const v = 0.22 * b * (0.55 + 0.45 * Math.sin((TAU * 4 * i) / n));
    left[i - n] += v;
    right[i - n] += v;
  }
  const pcm = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    pcm[2 * i] = left[i];
    pcm[2 * i + 1] = right[i];
  }
  return Buffer.from(pcm.buffer);
}

const here = path.dirname(fileURLToPath(import.meta.url));
const only = process.argv.indexOf('--frame');
const wav = path.join(os.tmpdir(), `sailcast-demo-${process.pid}.f32`);
const part = path.join(here, 'demo.flv.part');
const font = 'fontcolor=white:font=DejaVu Sans';
const text =
  `drawtext=text=Sailcast:${font}:fontsize=44:alpha=0.85:x=48:y=40,` +
  `drawtext=text='%{eif\\:n\\:d\\:3}':font=DejaVu Sans Mono:fontcolor=white:fontsize=20:alpha=0.6:x=w-tw-32:y=h-th-24`;

const input = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${W}x${H}`, '-r', `${FPS}`, '-i', 'pipe:0'];
const filter = ['-vf', `${text},scale=out_color_matrix=bt709:out_range=tv,format=yuv420p`];
const encode = [
  '-c:v',
  'libx264',
  '-preset',
  'slow',
  '-tune',
  'zerolatency',
  '-profile:v',
  'high',
  '-level',
  '3.1',
  '-refs',
  '2',
  '-g',
  '60',
  '-keyint_min',
  '60',
  '-sc_threshold',
  '0',
  '-b:v',
  '1150k',
  '-maxrate',
  '1400k',
  '-bufsize',
  '2800k',
  '-color_primaries',
  'bt709',
  '-color_trc',
  'bt709',
  '-colorspace',
  'bt709',
  '-color_range',
  'tv',
  '-c:a',
  'aac',
  '-b:a',
  '96k',
  '-fflags',
  '+bitexact',
  '-flags:a',
  '+bitexact',
  '-f',
  'flv',
  part,
];
const still = only >= 0 ? Number(process.argv[only + 1]) : null;
if (still === null) writeFileSync(wav, sound().subarray(0, (SECONDS * RATE - 1024) * 8));
const args =
  still === null
    ? [...input, '-f', 'f32le', '-ar', `${RATE}`, '-ac', '2', '-i', wav, ...filter, ...encode]
    : [...input, ...filter, '-frames:v', '1', process.argv[only + 2]];
const ffmpeg = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', ...args], {
  stdio: ['pipe', 'inherit', 'inherit'],
});
const picture = new Float32Array(W * H * 3);
for (let f = 0; f < FPS * SECONDS; f++) {
  if (still !== null && f !== still) continue;
  render(f, picture);
  const bytes = Buffer.alloc(W * H * 3);
  for (let y = 0, o = 0; y < H; y++)
    for (let x = 0; x < W; x++)
      for (let k = 0; k < 3; k++, o++) bytes[o] = Math.min(255, picture[o] + BAYER[(y & 3) * 4 + (x & 3)]);
  if (!ffmpeg.stdin.write(bytes)) await once(ffmpeg.stdin, 'drain');
}
ffmpeg.stdin.end();
const [code] = await once(ffmpeg, 'exit');
rmSync(wav, { force: true });
if (code !== 0) throw new Error('ffmpeg failed');
if (still === null) {
  renameSync(part, path.join(here, 'demo.flv'));
  console.log(`demo.flv: ${statSync(path.join(here, 'demo.flv')).size} bytes`);
}
