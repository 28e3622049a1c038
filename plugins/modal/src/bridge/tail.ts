/** Characters to leave out where no line begins. */
const LONGEST_SECRET = 512;

/** The end of a stream, in bounded memory. */
export class Tail {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #length = 0;
  #cut = false;

  /** @param limit bytes that {@link text} gives back at most. */
  constructor(limit = 8 * 1024) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    // Compacted rarely, so that a flood of small chunks costs little.
    if (this.#length > this.#limit * 8) this.#compact();
  }

  /** Whole lines from the end. What was cut through is left out: half a secret could not be recognised as one. */
  text(clean: (text: string) => string): string {
    this.#compact();
    let kept = Buffer.concat(this.#chunks).toString('utf8');
    if (this.#cut) kept = kept.slice(kept.includes('\n') ? kept.indexOf('\n') + 1 : LONGEST_SECRET);
    const cleaned = clean(kept).trimEnd();
    if (cleaned.length <= this.#limit) return cleaned;
    const end = cleaned.slice(-this.#limit);
    return end.slice(end.indexOf('\n') + 1);
  }

  #compact(): void {
    const keep = this.#limit * 2;
    if (this.#length <= keep) return;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [Buffer.from(all.subarray(all.length - keep))];
    this.#length = keep;
    this.#cut = true;
  }
}
