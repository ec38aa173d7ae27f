/**
 * Opens a source: what the app names becomes tracks.
 *
 * Whoever opens one closes it. `close()` ends what was made here, and leaves alone what the app gave.
 */
import type { PublishConfig } from '../../config.js';
import type {
  AudioSource,
  CameraSource,
  CanvasSource,
  FileSource,
  MicrophoneSource,
  ScreenSource,
  StreamSource,
  VideoSource,
} from '../../types.js';
import { captureError, publisherError } from '../errors.js';
import { camera, cameraSize, microphone } from './devices.js';

export interface Opened {
  video: MediaStreamTrack | undefined;
  sound: MediaStreamTrack | undefined;
  /** Of the device, or of what stands for it. */
  label: string;
  /** A device's. */
  deviceId: string | undefined;
  /** A camera that looks at the user, as far as can be told. */
  front: boolean;
  close(): void;
}

export interface Ways {
  config: PublishConfig['video'];
  /** What was chosen last may be taken again. */
  remembered: boolean;
}

/** Undefined for no source. Rejects with a `SailcastError`. */
export function openVideo(source: VideoSource, ways: Ways): Promise<Opened | undefined> {
  switch (source.kind) {
    case 'camera':
      return openCamera(source, ways);
    case 'screen':
      return openScreen(source, ways);
    case 'canvas':
      return openCanvas(source, ways);
    case 'file':
      return openFile(source);
    case 'stream':
      return openStream(source, 'video');
    case 'none':
      return Promise.resolve(undefined);
  }
}

export function openAudio(source: AudioSource, ways: Ways): Promise<Opened | undefined> {
  switch (source.kind) {
    case 'microphone':
      return openMicrophone(source, ways);
    case 'stream':
      return openStream(source, 'audio');
    case 'none':
      return Promise.resolve(undefined);
  }
}

/**
 * A camera and a microphone at once, as one question to the user. Undefined where there are not both, or they cannot be had so:
 * each by itself then says which of them it is, and may fall back to another device.
 */
export async function openBoth(
  video: VideoSource,
  audio: AudioSource,
  { config, remembered }: Ways,
): Promise<{ video: Opened; audio: Opened } | undefined> {
  if (video.kind !== 'camera' || audio.kind !== 'microphone' || !navigator.mediaDevices?.getUserMedia)
    return undefined;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { ...camera(video, true, remembered), ...cameraSize(config) },
      audio: microphone(audio, true, remembered),
    });
    return {
      video: ownCamera(new MediaStream(stream.getVideoTracks()), video),
      audio: ownDevice(new MediaStream(stream.getAudioTracks()), 'the microphone'),
    };
  } catch (error) {
    if ((error as DOMException).name !== 'NotAllowedError') return undefined;
    throw captureError(error, 'camera or microphone');
  }
}

function ownCamera(stream: MediaStream, { facing }: CameraSource): Opened {
  const found = stream.getVideoTracks()[0]?.getSettings().facingMode ?? facing;
  return ownDevice(stream, 'the camera', found !== 'environment');
}

async function openCamera(source: CameraSource, { config, remembered }: Ways): Promise<Opened> {
  const size = cameraSize(config);
  const stream = await device('camera', source.deviceId, exact => ({
    video: { ...camera(source, exact, remembered), ...size },
  }));
  return ownCamera(stream, source);
}

async function openMicrophone(source: MicrophoneSource, { remembered }: Ways): Promise<Opened> {
  const stream = await device('microphone', source.deviceId, exact => ({
    audio: microphone(source, exact, remembered),
  }));
  return ownDevice(stream, 'the microphone');
}

/** The device with this id; where that is not there, the default one. */
async function device(
  name: string,
  deviceId: string | undefined,
  constraints: (exact: boolean) => MediaStreamConstraints,
): Promise<MediaStream> {
  const { mediaDevices } = navigator;
  if (!mediaDevices?.getUserMedia) throw insecure(`a ${name}`);
  try {
    return await mediaDevices.getUserMedia(constraints(true));
  } catch (error) {
    const { name: problem } = error as DOMException;
    if (deviceId === undefined || (problem !== 'OverconstrainedError' && problem !== 'NotFoundError'))
      throw captureError(error, name);
  }
  try {
    return await mediaDevices.getUserMedia(constraints(false));
  } catch (error) {
    throw captureError(error, name);
  }
}

async function openScreen({ sound = true }: ScreenSource, { config }: Ways): Promise<Opened> {
  const { mediaDevices } = navigator;
  if (!mediaDevices?.getDisplayMedia) throw insecure('the screen');
  // The browser's own processing would take the music out of it.
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const options: DisplayMediaStreamOptions & { systemAudio: 'include' | 'exclude' } = {
    video: { frameRate: { ideal: config.fps } },
    audio: sound && raw,
    systemAudio: sound ? 'include' : 'exclude',
  };
  try {
    return own(await mediaDevices.getDisplayMedia(options), 'the screen');
  } catch (error) {
    throw captureError(error, 'screen');
  }
}

async function openCanvas({ canvas }: CanvasSource, { config }: Ways): Promise<Opened> {
  try {
    return own(canvas.captureStream(config.fps), 'a canvas');
  } catch (error) {
    throw captureError(error, 'canvas');
  }
}

async function openFile({ file, loop = false, sound = true }: FileSource): Promise<Opened> {
  const element = document.createElement('video');
  const url = typeof file === 'string' ? file : URL.createObjectURL(file);
  // What is captured is not muted with it.
  Object.assign(element, { crossOrigin: 'anonymous', muted: true, playsInline: true, loop, src: url });
  const end = () => {
    element.pause();
    element.removeAttribute('src');
    element.load();
    if (typeof file !== 'string') URL.revokeObjectURL(url);
  };
  try {
    await element.play();
    const stream = element.captureStream?.() ?? element.mozCaptureStream?.();
    if (!stream) throw new TypeError('this browser has no captureStream()');
    if (!sound) for (const track of stream.getAudioTracks()) stream.removeTrack(track);
    const name = typeof file !== 'string' && 'name' in file ? String(file.name) : 'a file';
    const opened = own(stream, name);
    const close = () => {
      opened.close();
      end();
    };
    return { ...opened, close };
  } catch (error) {
    end();
    throw captureError(error, 'file');
  }
}

async function openStream({ stream, sound = true }: StreamSource, kind: 'video' | 'audio'): Promise<Opened> {
  const [video] = kind === 'video' ? stream.getVideoTracks() : [];
  const [audio] = kind === 'audio' || sound ? stream.getAudioTracks() : [];
  if (!video && !audio) throw publisherError('captureFailed', `The stream has no ${kind} track.`);
  return {
    video,
    sound: audio,
    label: (video ?? audio)?.label || 'a stream',
    deviceId: undefined,
    front: false,
    close: () => {},
  };
}

/** `label`: of what is no device, for whose tracks browsers make up a number. */
function own(stream: MediaStream, label: string, front = false): Opened {
  const [video] = stream.getVideoTracks();
  const [sound] = stream.getAudioTracks();
  return {
    video,
    sound,
    label,
    deviceId: undefined,
    front,
    close: () => {
      for (const track of stream.getTracks()) track.stop();
    },
  };
}

function ownDevice(stream: MediaStream, name: string, front = false): Opened {
  const [track] = stream.getTracks();
  return {
    ...own(stream, track?.label || name, front),
    deviceId: track?.getSettings().deviceId,
  };
}

function insecure(what: string): Error {
  if (globalThis.isSecureContext === false)
    return publisherError('insecureContext', `A page of plain http: may not capture ${what}.`);
  return publisherError('captureFailed', `This browser cannot capture ${what}.`);
}
