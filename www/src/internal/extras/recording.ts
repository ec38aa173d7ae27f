/**
 * One recording of what is received, or sent: bytes as the worker gives them, into a stream of the app's or into memory.
 *
 * Bounded either way: a target that does not keep up and a memory that is full end it with an error, and what there is so far
 * is kept.
 */

/** Bytes in memory: an hour at 800 kbit/s of pictures and 64 of sound is 390 MB. */
const MEMORY = 512 * 1024 * 1024;
/** Bytes that a target may be behind: more than a minute at 4 Mbit/s. */
const BEHIND = 32 * 1024 * 1024;

export class Recording {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  readonly #type: string;
  readonly #failed: (why: string) => void;
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  #behind = 0;
  #over = false;
  #closing: Promise<void> | undefined;

  /** `type` is that of the Blob; `failed` is the last that is heard of it. */
  constructor(target: WritableStream<Uint8Array> | undefined, type: string, failed: (why: string) => void) {
    this.#writer = target?.getWriter();
    this.#type = type;
    this.#failed = failed;
  }

  /** Opens a file for it, where it is one. */
  static async begin(
    target: FileSystemFileHandle | WritableStream<Uint8Array> | undefined,
    type: string,
    failed: (why: string) => void,
  ): Promise<Recording> {
    const isFile = target && 'createWritable' in target;
    return new Recording(isFile ? await target.createWritable() : target, type, failed);
  }

  get over(): boolean {
    return this.#over;
  }

  add(data: Uint8Array<ArrayBuffer>): void {
    if (this.#over) return;
    if (this.#writer) this.#write(this.#writer, data);
    else if (this.#bytes + data.byteLength > MEMORY)
      this.fail(`there is room for ${MEMORY / 1_048_576} MB in memory`);
    else this.#chunks.push(data);
    this.#bytes += data.byteLength;
  }

  /** All is there. Resolves when the target is closed; with the recording where there is none. */
  async end(): Promise<Blob | null> {
    this.#over = true;
    await this.#close();
    if (this.#writer) return null;
    return new Blob(this.#chunks, { type: this.#type });
  }

  #write(writer: WritableStreamDefaultWriter<Uint8Array>, data: Uint8Array): void {
    const { byteLength } = data;
    this.#behind += byteLength;
    if (this.#behind > BEHIND) {
      this.fail(`its target is ${BEHIND / 1_048_576} MB behind`);
      return;
    }
    writer.write(data).then(
      () => {
        this.#behind -= byteLength;
      },
      error => this.fail(String(error)),
    );
  }

  /** Ends it before its time. */
  fail(why: string): void {
    if (this.#over) return;
    this.#over = true;
    void this.#close();
    this.#failed(why);
  }

  /** A target that failed cannot be closed either. */
  #close(): Promise<void> {
    this.#closing ??= this.#writer?.close().catch(() => {}) ?? Promise.resolve();
    return this.#closing;
  }
}
