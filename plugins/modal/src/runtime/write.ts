/** Replaces a file so that a reader, or a crash, sees the old or the new content and nothing else. */
export async function writeAtomically(file: string, text: string): Promise<void> {
  const {default: write} = await import('write-file-atomic');
  await write(file, text, {mode: 0o600});
}
