const REPLACEMENT = '[redacted]';

/** Shorter values would blacken ordinary words. */
const SHORTEST_SECRET = 6;

/** Takes user names and passwords out of URLs: `https://user:password@host` becomes `https://[redacted]@host`. */
export function redactUrls(text: string): string {
  return text.replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/'"<>]*@/gi, `$1${REPLACEMENT}@`);
}

/** Takes known secrets, and credentials in URLs, out of text that may be shown. */
export class Redactor {
  readonly #secrets = new Set<string>();

  /** Remembers a value that must never be shown. */
  add(secret: string): void {
    if (secret.length >= SHORTEST_SECRET) this.#secrets.add(secret);
  }

  /** Remembers the values of those variables whose names say that they are secret. */
  addEnvironment(environment: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(environment)) {
      if (/TOKEN|SECRET|PASSWORD|CREDENTIAL|_KEY$/i.test(name)) this.add(value);
    }
  }

  text(text: string): string {
    let clean = text;
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, REPLACEMENT);
    return redactUrls(clean);
  }

  /** The same for every text inside plain data. */
  deep(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map(entry => this.deep(entry));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, this.deep(entry)]));
  }
}
