/** Values that are pushed on one side and iterated on the other. A push resolves when its value was taken. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #values: {value: T; taken: () => void}[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  push(value: T): Promise<void> {
    return new Promise(taken => {
      if (this.#ended) taken();
      else this.#values.push({value, taken});
      this.#wake?.();
    });
  }

  /** No more values come; those that wait are still delivered. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    try {
      for (;;) {
        const next = this.#values.shift();
        if (next !== undefined) {
          yield next.value;
          next.taken();
        } else if (this.#ended) return;
        else await new Promise<void>(wake => (this.#wake = wake));
      }
    } finally {
      // Whoever reads no further lets every push go.
      this.#ended = true;
      for (const {taken} of this.#values.splice(0)) taken();
    }
  }
}
