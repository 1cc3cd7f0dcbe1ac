// What guests got when they came, by the code of the room: who joins again from this page is the same guest, let in already
// and with the chat so far. Kept in memory only: a pass is not to lie in a browser's storage.

const passes = new Map<string, string>();

export function passOf(code: string): string | undefined {
  return passes.get(code);
}

export function keepPass(code: string, pass: string | undefined): void {
  if (pass) passes.set(code, pass);
  else passes.delete(code);
}
