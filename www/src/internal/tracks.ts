/** The tracks of one load's stream, as far as it has shown them, and which of them play. */
import type { Track } from '../types.js';
import type { WorkerEvent } from './protocol.js';

type Kind = Track['kind'];
type Known = Omit<Track, 'selected'>;

export class Tracks {
  #known: Known[] = [];
  readonly #selected: Partial<Record<Kind, number>> = {};
  /** What the page asked for: another session of the same load is told again. */
  readonly asked = new Map<Kind, number>();

  note(event: WorkerEvent): void {
    if (event.name === 'trackselected') this.#selected[event.kind] = event.number;
    if (event.name !== 'videotrack' && event.name !== 'audiotrack') return;
    const { name, ...rest } = event;
    const kind = name === 'videotrack' ? 'video' : 'audio';
    const before = this.#known.find(one => one.kind === kind && one.number === rest.number);
    const others = this.#known.filter(one => one !== before);
    this.#known = [...others, { ...before, kind, ...rest } as Known].sort((a, b) => a.number - b.number);
  }

  /** Pictures first, then by number. */
  list(): Track[] {
    const of = (kind: Kind) =>
      this.#known
        .filter(track => track.kind === kind)
        .map(track => ({ ...track, selected: track.number === this.#selected[kind] }));
    return [...of('video'), ...of('audio')];
  }

  /** The rate of the sound that plays, Hz; 0 while that is not known. */
  get audioRate(): number {
    return this.list().find(({ kind, selected }) => kind === 'audio' && selected)?.sampleRate ?? 0;
  }
}
