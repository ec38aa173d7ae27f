/** Pictures as files: what is shown, drawn once more at its own size, or at another. */
import { pageError } from '../../errors.js';
import type { SnapshotOptions } from '../../types.js';
import type { Picture, Turn } from '../protocol.js';
import { YuvCanvas } from '../webgl/yuv-canvas.js';

/** Of the `<video>`, or of what `ask` brings from the session where a canvas shows it; `turn` makes it upright. */
export async function snapshot(
  element: HTMLVideoElement | HTMLCanvasElement,
  ask: () => Promise<Picture | null>,
  turn: Turn,
  { type = 'image/png', quality }: SnapshotOptions,
): Promise<Blob> {
  const canvas = element instanceof HTMLVideoElement ? ofVideo(element, turn) : ofPicture(await ask(), turn);
  if (!canvas) throw pageError('notPlaying', 'There is no picture yet.', false);
  return canvas.convertToBlob({ type, ...(quality !== undefined && { quality }) });
}

function ofVideo(video: HTMLVideoElement, turn: Turn): OffscreenCanvas | undefined {
  if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return undefined;
  return drawn(video, video.videoWidth, video.videoHeight, turn);
}

/** Closes the picture. `width`: to be scaled to, pixels; no picture is made larger. */
export function ofPicture(
  picture: Picture | null,
  turn: Turn,
  width = Number.POSITIVE_INFINITY,
): OffscreenCanvas | undefined {
  if (!picture) return undefined;
  const planes = 'planes' in picture;
  const [across, down] = planes
    ? [picture.width, picture.height]
    : [picture.displayWidth, picture.displayHeight];
  const scale = Math.min(1, width / (turn.rotation % 180 ? down : across));
  const size = [Math.max(1, Math.round(across * scale)), Math.max(1, Math.round(down * scale))] as const;
  if (planes) {
    const canvas = new OffscreenCanvas(...size);
    const painter = new YuvCanvas(canvas);
    painter.draw(picture, 0, 0, ...size);
    // What WebGL has drawn is gone with the next turn of the event loop.
    const copy = drawn(canvas, ...size, turn);
    painter.close();
    return copy;
  }
  const canvas = drawn(picture, ...size, turn);
  picture.close();
  return canvas;
}

function drawn(
  source: CanvasImageSource,
  width: number,
  height: number,
  { rotation, mirror }: Turn,
): OffscreenCanvas {
  const canvas = rotation % 180 ? new OffscreenCanvas(height, width) : new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { alpha: false });
  context?.translate(canvas.width / 2, canvas.height / 2);
  context?.scale(mirror ? -1 : 1, 1);
  context?.rotate((rotation * Math.PI) / 180);
  context?.drawImage(source, -width / 2, -height / 2, width, height);
  return canvas;
}
