/** ffmpeg as the viewer. */
import { spawn } from 'node:child_process';

function output(command: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', chunk => {
      stdout += chunk;
    });
    child.stderr.on('data', chunk => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', code => {
      if (code === 0) resolve({ stdout, stderr });
      else reject(new Error(`${command} ended with ${code}: ${stderr}`));
    });
  });
}

/**
 * One line a track, such as `h264,640,360` and `aac`. node-media-server leaves RTMP's command in front of script data, which
 * ffprobe then takes for an unknown track, whoever publishes.
 */
export async function tracks(url: string): Promise<string[]> {
  const entries = ['-show_entries', 'stream=codec_name,width,height', '-of', 'csv=p=0'];
  const { stdout } = await output('ffprobe', ['-v', 'error', ...entries, url]);
  const known = stdout.split(/\s+/).filter(track => track && track !== 'unknown');
  return [...new Set(known)].sort();
}

export interface Played {
  /** Pictures that were decoded. */
  frames: number;
  /** What ffmpeg says of errors; nothing if there was none. */
  errors: string;
}

/** Decodes so many seconds of it. */
export async function play(url: string, seconds: number): Promise<Played> {
  const both = ['-t', `${seconds}`, '-map', '0:v', '-map', '0:a'];
  const told = ['-hide_banner', '-nostats', '-v', 'error', '-progress', 'pipe:1'];
  const { stdout, stderr } = await output('ffmpeg', [...told, '-i', url, ...both, '-f', 'null', '-']);
  const frames = [...stdout.matchAll(/^frame=(\d+)$/gm)].map(match => Number(match[1]));
  return { frames: frames.at(-1) ?? 0, errors: stderr.trim() };
}
