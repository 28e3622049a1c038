// plugins/modal/src/runtime/redact.ts
var REPLACEMENT = "[redacted]";
var SHORTEST_SECRET = 6;
function redactUrls(text) {
  return text.replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/'"<>]*@/gi, `$1${REPLACEMENT}@`);
}
var Redactor = class {
  #secrets = /* @__PURE__ */ new Set();
  /** Remembers a value that must never be shown. */
  add(secret) {
    if (secret.length >= SHORTEST_SECRET) this.#secrets.add(secret);
  }
  /** Remembers the values of those variables whose names say that they are secret. */
  addEnvironment(environment) {
    for (const [name, value] of Object.entries(environment)) {
      if (/TOKEN|SECRET|PASSWORD|CREDENTIAL|_KEY$/i.test(name)) this.add(value);
    }
  }
  text(text) {
    let clean = text;
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, REPLACEMENT);
    return redactUrls(clean);
  }
  /** The same for every text inside plain data. */
  deep(value) {
    if (typeof value === "string") return this.text(value);
    if (Array.isArray(value)) return value.map((entry) => this.deep(entry));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, this.deep(entry)]));
  }
};

export {
  redactUrls,
  Redactor
};
