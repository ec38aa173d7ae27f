/** Cameras and microphones: what there is, and what one of them is asked for. */
import type { PublishConfig } from '../../config.js';
import type { CameraSource, Device, MicrophoneSource } from '../../types.js';
import { chosenDevice } from '../memory.js';

/** Before a permission is given browsers list one nameless device of each kind. */
export async function listDevices(): Promise<Device[]> {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices.flatMap(({ kind, deviceId, groupId, label }): Device[] => {
    if (kind === 'videoinput') return [{ kind: 'camera', deviceId, groupId, label }];
    if (kind === 'audioinput') return [{ kind: 'microphone', deviceId, groupId, label }];
    return [];
  });
}

/** Tells when devices come and go. Returns how to stop. */
export function watchDevices(changed: () => void): () => void {
  const { mediaDevices } = navigator;
  mediaDevices?.addEventListener?.('devicechange', changed);
  return () => mediaDevices?.removeEventListener?.('devicechange', changed);
}

type Asked = Pick<PublishConfig['video'], 'resolution' | 'fps'>;

/** The size and rate that are published, so that little has to be scaled or left out. Wishes, never demands. */
export function cameraSize({ resolution, fps }: Asked): MediaTrackConstraints {
  return {
    width: { ideal: Math.round((resolution * 16) / 9 / 2) * 2 },
    height: { ideal: resolution },
    frameRate: { ideal: fps },
  };
}

/** Which camera: that of the source if `exact`, else the one that is nearest to its wish. */
export function camera(source: CameraSource, exact: boolean, remembered: boolean): MediaTrackConstraints {
  if (source.deviceId !== undefined && exact) return { deviceId: { exact: source.deviceId } };
  if (source.facing !== undefined) return { facingMode: { ideal: source.facing } };
  const id = source.deviceId ?? (remembered ? chosenDevice('camera') : undefined);
  return id === undefined ? {} : { deviceId: { ideal: id } };
}

/** The same of microphones, with what the browser shall make better. */
export function microphone(
  source: MicrophoneSource,
  exact: boolean,
  remembered: boolean,
): MediaTrackConstraints {
  const { echoCancellation = true, noiseSuppression = true, autoGainControl = true } = source;
  const id = source.deviceId ?? (remembered ? chosenDevice('microphone') : undefined);
  const which = source.deviceId !== undefined && exact ? { exact: source.deviceId } : { ideal: id as string };
  return {
    ...(id === undefined ? {} : { deviceId: which }),
    echoCancellation,
    noiseSuppression,
    autoGainControl,
  };
}
