const NEWLINE = 0x0a;

/**
 * Splits raw chunks into lines, each decoded once.
 *
 * A line that comes in many chunks is put together when it ends; searching and copying stay linear in its length.
 */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #limit: number;
  #parts: Buffer[] = [];
  #length = 0;

  /** @param limit bytes of the longest line that is kept. */
  constructor(onLine: (line: string) => void, limit = 128 * 1024 * 1024) {
    this.#onLine = onLine;
    this.#limit = limit;
  }

  /** @throws RangeError when a line grows beyond the limit. */
  push(chunk: Buffer): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end === -1) break;
      this.#emit(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** Forgets the line that has begun. */
  reset(): void {
    this.#parts = [];
    this.#length = 0;
  }

  #keep(part: Buffer): void {
    this.#length += part.length;
    if (this.#length > this.#limit) throw new RangeError(`A line is longer than ${this.#limit} bytes.`);
    this.#parts.push(part);
  }

  #emit(last: Buffer): void {
    const line = this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#length = 0;
    this.#onLine(line.toString('utf8'));
  }
}
