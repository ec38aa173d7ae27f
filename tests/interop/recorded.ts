/** A stream as a server gives it out, kept as a file, and what ffmpeg makes of it. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { parseFlv } from '../browser/harness/flv.js';

const run = promisify(execFile);
const options = { timeout: 60_000, maxBuffer: 1 << 28, encoding: 'buffer' } as const;
const text = async (command: string, args: readonly string[]) =>
  (await run(command, args, options)).stdout.toString();

export interface Track {
  codec_name: string;
  width?: number;
  height?: number;
  sample_rate?: string;
  channels?: number;
  profile?: string;
}

export interface Packet {
  kind: 'video' | 'audio';
  /** Seconds. */
  pts: number;
  dts: number;
  keyframe: boolean;
  bytes: number;
}

/** Seconds of the stream, and the number in the picture's strip; null where none can be read. */
export interface Picture {
  time: number;
  counter: number | null;
}

/** Seconds of the stream. `hole`: the longest silence within it. */
export interface Beep {
  time: number;
  length: number;
  hole: number;
}

/** Takes `seconds` of an HTTP-FLV stream from its first byte on, up to its last whole tag. */
export async function record(url: string, seconds: number, file: string): Promise<Recorded> {
  const abort = new AbortController();
  const parts: Uint8Array[] = [];
  const response = await fetch(url, { signal: abort.signal });
  if (!response.ok || !response.body) throw new Error(`${url}: ${response.status}`);
  let timer: NodeJS.Timeout | undefined;
  try {
    for await (const part of response.body) {
      timer ??= setTimeout(() => abort.abort(), seconds * 1000);
      parts.push(part);
    }
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  return Recorded.keep(Buffer.concat(parts), file);
}

export class Recorded {
  private constructor(readonly file: string) {}

  /** What is cut off at the end is left out. */
  static keep(bytes: Buffer, file: string): Recorded {
    const { header, tags } = parseFlv(bytes);
    writeFileSync(file, Buffer.concat([header, ...tags.map(tag => tag.bytes)]));
    return new Recorded(file);
  }

  /** What ffmpeg has to say when it decodes all of it; nothing if there is no error. */
  async errors(): Promise<string> {
    // On the stream's own clock: at an even rate, which ffmpeg would make of it, two pictures may fall on one tick.
    const as = ['-fps_mode', 'passthrough', '-enc_time_base', '-1'];
    const args = ['-v', 'error', '-xerror', '-i', this.file, ...as, '-f', 'null', '-'];
    try {
      return (await run('ffmpeg', args, options)).stderr.toString().trim();
    } catch (error) {
      return `${error}`;
    }
  }

  /**
   * node-media-server leaves RTMP's command in front of script data, which ffprobe takes for a track that it does not know, whoever
   * publishes.
   */
  async tracks(): Promise<Track[]> {
    const out = await text('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', this.file]);
    const { streams } = JSON.parse(out) as { streams: (Track & { codec_type: string })[] };
    return streams.filter(({ codec_type }) => codec_type === 'video' || codec_type === 'audio');
  }

  async packets(): Promise<Packet[]> {
    const entries = 'packet=codec_type,pts_time,dts_time,flags,size';
    const out = await text('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'json', this.file]);
    const { packets } = JSON.parse(out) as { packets: Record<string, string>[] };
    return packets.map(packet => ({
      kind: packet.codec_type as Packet['kind'],
      pts: Number(packet.pts_time),
      dts: Number(packet.dts_time),
      keyframe: packet.flags?.includes('K') ?? false,
      bytes: Number(packet.size),
    }));
  }

  /** One of each packet. There are no B-frames: they come as they are sent. */
  async pictures(): Promise<Picture[]> {
    const [BLOCKS, BITS] = [32, 16];
    const strip = `crop=iw:ih/15:0:0,scale=${BLOCKS}:1:flags=area,format=gray`;
    const raw = ['-fps_mode', 'passthrough', '-f', 'rawvideo', 'pipe:1'];
    const args = ['-v', 'error', '-copyts', '-i', this.file, '-map', '0:v', '-vf', strip, ...raw];
    const { stdout } = await run('ffmpeg', args, options);
    const times = (await this.packets()).filter(({ kind }) => kind === 'video').map(({ pts }) => pts);
    const number = (bits: readonly number[]) => bits.reduce((sum, bit) => sum * 2 + bit, 0);
    return times.slice(0, stdout.length / BLOCKS).map((time, i) => {
      const bits = [...stdout.subarray(i * BLOCKS, (i + 1) * BLOCKS)].map(luma => (luma > 128 ? 1 : 0));
      const [counter, check] = [number(bits.slice(0, BITS)), number(bits.slice(BITS))];
      return { time, counter: (counter ^ check) === 0xffff ? counter : null };
    });
  }

  async beeps(): Promise<Beep[]> {
    const [RATE, LOUD, END, HOLE] = [48_000, 0.03, 0.05, 0.002];
    // Where a packet is missing, silence takes its place: a sample's number is its time.
    const sound = [
      '-ac',
      '1',
      '-ar',
      `${RATE}`,
      '-af',
      'aresample=async=1:first_pts=0',
      '-f',
      'f32le',
      'pipe:1',
    ];
    const { stdout } = await run(
      'ffmpeg',
      ['-v', 'error', '-copyts', '-i', this.file, '-map', '0:a', ...sound],
      options,
    );
    const samples = new Float32Array(
      stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.length),
    );
    const beeps: Beep[] = [];
    let [first, last, hole] = [-1, 0, 0];
    const close = () => {
      if (first >= 0) beeps.push({ time: first / RATE, length: (last - first) / RATE, hole: hole / RATE });
      first = -1;
    };
    for (const [i, sample] of samples.entries()) {
      if (Math.abs(sample) > LOUD) {
        if (first < 0) [first, hole] = [i, 0];
        else if (i - last > HOLE * RATE) hole = Math.max(hole, i - last);
        last = i;
      } else if (i - last > END * RATE) close();
    }
    close();
    return beeps;
  }
}
