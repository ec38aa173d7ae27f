/** What all browsers of this folder need: the relay with the page, a sound device, and what ffmpeg finds in a published stream. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const DIST = process.env.SAILCAST_DIST ?? path.join(root, 'dist');
const RELAY = process.env.SAILCAST_RELAY ?? path.join(root, 'target/debug/sailcast-relay');
/** Of the output of a program that is kept to be shown. */
const MOST_OUTPUT = 20_000;

const CAST = [
  ...[
    '-v',
    'error',
    '-re',
    '-f',
    'lavfi',
    '-i',
    'testsrc=size=640x360:rate=15',
    '-re',
    '-f',
    'lavfi',
    '-i',
    'sine',
  ],
  ...[
    '-t',
    '60',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
    '-g',
    '15',
    '-c:a',
    'aac',
    '-f',
    'flv',
  ],
];

const execute = promisify(execFile);
export const wait = seconds => new Promise(resolve => setTimeout(resolve, seconds * 1000));

/** Asks again and again until the answer is no error and not false. */
export async function until(what, ask, seconds = 10) {
  const end = Date.now() + seconds * 1000;
  let why;
  while (Date.now() < end) {
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      why = error;
    }
    await wait(0.1);
  }
  throw new Error(`not within ${seconds} s: ${what}${why ? ` (${why.message})` : ''}`);
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A program with all its children, which are ended together. */
export function start(program, args, env = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, detached: true });
  let output = '';
  const keep = data => {
    output = (output + data).slice(-MOST_OUTPUT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = once(child, 'exit').catch(error => keep(error.message));
  return {
    output: () => output,
    async stop() {
      for (const signal of ['SIGTERM', 'SIGKILL']) {
        try {
          process.kill(-child.pid, signal);
        } catch {
          // It has ended.
        }
        await Promise.race([ended, wait(3)]);
      }
    },
  };
}

/** Without a sound device an AudioContext of Firefox and WebKit stands still: a null sink takes the sound. */
async function startSound(folder) {
  const socket = path.join(folder, 'pulse.sock');
  const modules = ['module-null-sink', `module-native-protocol-unix auth-anonymous=1 socket=${socket}`];
  const args = ['-n', '--daemonize=no', '--exit-idle-time=-1', '--use-pid-file=no', '--disable-shm=yes'];
  const pulse = start('pulseaudio', [...args, ...modules.map(module => `--load=${module}`)], {
    XDG_RUNTIME_DIR: folder,
    HOME: folder,
  });
  await until('pulseaudio listens', () => existsSync(socket)).catch(async error => {
    await pulse.stop();
    throw new Error(`${error.message}\n${pulse.output()}`);
  });
  return { ...pulse, env: { PULSE_SERVER: `unix:${socket}` } };
}

/** The relay with the page, and a sound device. */
export async function openStage() {
  for (const file of [RELAY, path.join(DIST, 'publisher/index.js')]) {
    if (!existsSync(file))
      throw new Error(`${file} is missing: cargo xtask build, cargo build -p sailcast-relay`);
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'sailcast-engines-'));
  const sound = await startSound(folder);
  const relay = { stop: async () => {} };
  const close = async () => {
    await relay.stop();
    await sound.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  /** Another one in its place, at the same port. */
  const open = async port => {
    const pages = ['--serve', `/=${path.join(root, 'tests/engines/page')}`, '--serve', `/dist=${DIST}`];
    Object.assign(relay, start(RELAY, ['--port', `${port}`, ...pages]));
    await until('the relay answers', () => fetch(`http://localhost:${port}/health`));
  };
  try {
    const port = await freePort();
    await open(port);
    const url = `http://localhost:${port}/`;
    const live = `localhost:${port}/live/camera`;
    return {
      folder,
      env: sound.env,
      url,
      close,
      publish: `ws://${live}`,
      play: `http://${live}.flv`,
      /** A test picture and a tone of ffmpeg, published in real time. */
      cast: () => start('ffmpeg', [...CAST, '-method', 'POST', `http://${live}`]),
      /** The relay goes away, and another one comes. */
      async cut() {
        await relay.stop();
        await wait(0.5);
        await open(port);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const media = async (program, args) => {
  const { stdout, stderr } = await execute(program, ['-v', 'error', ...args], {
    maxBuffer: 1 << 26,
    timeout: 60_000,
  });
  return { stdout, stderr };
};

/** So many seconds of what the relay gives out, read and decoded by ffmpeg. */
export async function record(url, folder, seconds) {
  const file = path.join(folder, 'kept.flv');
  const received = await fetch(url, { signal: AbortSignal.timeout(seconds * 1000) });
  const kept = createWriteStream(file);
  // It is live: it ends because it is cut off.
  await pipeline(received.body, kept).catch(() => {});
  const probe = await media('ffprobe', ['-show_streams', '-show_packets', '-of', 'json', file]);
  const { streams, packets } = JSON.parse(probe.stdout);
  const decoded = await media('ffmpeg', ['-i', file, '-enc_time_base:v', '-1', '-f', 'null', '-']);
  const of = kind => {
    const stream = streams.find(({ codec_type }) => codec_type === kind);
    const times = packets.filter(packet => packet.codec_type === kind).map(packet => Number(packet.dts_time));
    const gaps = times.slice(1).map((time, at) => time - times[at]);
    return { ...stream, times, longestGap: Math.max(0, ...gaps) };
  };
  const [video, audio] = [of('video'), of('audio')];
  const span = video.times.at(-1) - video.times[0];
  return { video, audio, errors: decoded.stderr, fps: (video.times.length - 1) / span, file };
}

/**
 * The times of flashes and of beeps in a recording, from its beginning: pictures whose mean brightness rises, and sound
 * after silence.
 */
export async function marks(file) {
  const pictures = await media('ffmpeg', [
    '-i',
    file,
    '-an',
    '-vf',
    'signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-',
    '-f',
    'null',
    '-',
  ]);
  const flashes = [];
  let time = 0;
  let bright = true;
  for (const line of pictures.stdout.split('\n')) {
    const at = /pts_time:([\d.]+)/.exec(line);
    if (at) time = Number(at[1]);
    const mean = /YAVG=([\d.]+)/.exec(line);
    if (!mean) continue;
    const now = Number(mean[1]) > 120;
    if (now && !bright) flashes.push(time);
    bright = now;
  }
  const sound = await execute('ffmpeg', [
    '-v',
    'info',
    '-nostats',
    '-i',
    file,
    '-vn',
    '-af',
    'silencedetect=noise=-30dB:d=0.2',
    '-f',
    'null',
    '-',
  ]);
  const beeps = [...sound.stderr.matchAll(/silence_end: ([\d.]+)/g)].map(([, at]) => Number(at));
  return { flashes, beeps };
}
