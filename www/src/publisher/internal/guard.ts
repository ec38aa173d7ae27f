/**
 * The guard against interruptions (外部监听防护): what happens to the page and its devices while it publishes, told to whoever can
 * act on it. Tracks are watched by their slot, the audio context by itself, encoders and the network by the worker.
 */
import { isPageVisible, watchPage } from '../../internal/life.js';
import type { Device } from '../types.js';
import { listDevices, watchDevices } from './capture/devices.js';
import type { ToPublishWorker } from './protocol.js';

export interface GuardEvents {
  send(message: ToPublishWorker): void;
  /** Devices came or went; or the page is back, and nothing of it may be as it was. */
  devices(devices: readonly Device[], changed: boolean): void;
  /** The page is turned: what the camera gives may be. */
  turned(): void;
}

/** The state of things, for another worker. */
export function tellPage(send: GuardEvents['send']): void {
  send({ type: 'visible', visible: isPageVisible() });
  send({ type: 'online', online: navigator.onLine });
}

/** Watches until the returned function is called. */
export function guard({ send, devices, turned }: GuardEvents): () => void {
  const look = (changed: boolean) => {
    listDevices().then(
      list => devices(list, changed),
      () => {},
    );
  };
  const unwatchPage = watchPage({
    visible: visible => {
      send({ type: 'visible', visible });
      if (visible) look(false);
    },
    online: online => send({ type: 'online', online }),
    networkChanged: () => send({ type: 'networkChanged' }),
    wake: () => {
      send({ type: 'wake' });
      look(false);
    },
  });
  const unwatchDevices = watchDevices(() => look(true));
  const orientation: EventTarget | undefined = globalThis.screen?.orientation;
  orientation?.addEventListener('change', turned);
  return () => {
    unwatchPage();
    unwatchDevices();
    orientation?.removeEventListener('change', turned);
  };
}
