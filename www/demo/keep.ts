/** What the viewer keeps of a stream: the shown picture, and a recording of what is watched. */
import type { Player } from 'sailcast';
import { get, icon } from './dom.js';
import { label, onLanguage, t } from './i18n.js';
import { save, stamp } from './save.js';

/** Of the File System Access API, where there is one. */
type SavePicker = (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;

export class Keep {
  readonly #snapshot = get('snapshot', HTMLButtonElement);
  readonly #record = get('record-watched', HTMLButtonElement);
  readonly #player: () => Player | null;
  #recording = false;

  constructor(player: () => Player | null) {
    this.#player = player;
    this.#snapshot.addEventListener('click', () => void this.#take());
    this.#record.addEventListener('click', () => void this.#toggle());
    onLanguage(() => this.#show());
    this.#show();
  }

  /** The recording broke off, or what it was of is over: what there is is saved. */
  async finish(): Promise<void> {
    if (!this.#recording) return;
    this.#recording = false;
    this.#show();
    const blob = await this.#player()?.stopRecording();
    if (blob?.size) save(`sailcast-${stamp()}.mp4`, blob);
  }

  async #take(): Promise<void> {
    // Refused before the first picture: the button can be pressed again.
    const picture = await this.#player()
      ?.snapshot()
      .catch(() => null);
    if (picture) save(`sailcast-${stamp()}.png`, picture);
  }

  async #toggle(): Promise<void> {
    if (this.#recording) return this.finish();
    const player = this.#player();
    const pick: SavePicker | undefined = Reflect.get(window, 'showSaveFilePicker');
    try {
      const target = await pick?.({ suggestedName: `sailcast-${stamp()}.mp4` });
      await player?.startRecording({ ...(target && { target }) });
      this.#recording = player !== null;
    } catch {
      // The viewer took it back, or nothing plays.
    }
    this.#show();
  }

  #show(): void {
    label(this.#snapshot, t('takeSnapshot'));
    label(this.#record, t(this.#recording ? 'recordStop' : 'record'));
    icon(this.#record, this.#recording ? 'i-stop' : 'i-record');
    this.#record.setAttribute('aria-pressed', String(this.#recording));
  }
}
