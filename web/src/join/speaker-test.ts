// Plays two short notes on a chosen speaker, made on the spot: no sound file to load.

const NOTES_HZ = [523.25, 659.25];
const NOTE_S = 0.35;
const LOUDNESS = 0.2;

/** Whether this browser lets a page choose the speaker. */
export function canChooseSpeaker(): boolean {
  return typeof HTMLMediaElement !== "undefined" && "setSinkId" in HTMLMediaElement.prototype;
}

/** Resolves when the sound is over. Rejects when the speaker is gone or playing is refused. */
export async function playTestSound(speaker: string): Promise<void> {
  const context = new AudioContext();
  const audio = new Audio();
  try {
    await context.resume();
    const target = context.createMediaStreamDestination();
    audio.srcObject = target.stream;
    if (speaker && canChooseSpeaker()) await audio.setSinkId(speaker);
    await audio.play();
    NOTES_HZ.forEach((frequency, index) => {
      const begin = context.currentTime + index * NOTE_S;
      const note = context.createOscillator();
      const envelope = context.createGain();
      note.frequency.value = frequency;
      envelope.gain.setValueAtTime(0, begin);
      envelope.gain.linearRampToValueAtTime(LOUDNESS, begin + 0.03);
      envelope.gain.linearRampToValueAtTime(0, begin + NOTE_S);
      note.connect(envelope).connect(target);
      note.start(begin);
      note.stop(begin + NOTE_S);
    });
    await new Promise((resolve) => setTimeout(resolve, NOTES_HZ.length * NOTE_S * 1000 + 150));
  } finally {
    audio.srcObject = null;
    await context.close();
  }
}
