// A sound that counts as speech: Chromium's own made-up microphone beeps for too short a time to be marked as a speaker.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const RATE_HZ = 48_000;
const LENGTH_S = 4;
/** A low voice: a fundamental and what resonates above it. */
const VOICE = [
  [140, 0.5],
  [280, 0.3],
  [560, 0.25],
  [1_120, 0.12],
  [2_240, 0.06],
];
const SYLLABLES_HZ = 4;

/** Writes a WAV file of a made-up voice into a fresh directory; Chromium repeats it. Answers its path. */
export function speech() {
  const samples = RATE_HZ * LENGTH_S;
  const bytes = Buffer.alloc(44 + samples * 2);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(36 + samples * 2, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE_HZ, 24);
  bytes.writeUInt32LE(RATE_HZ * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(samples * 2, 40);
  for (let index = 0; index < samples; index += 1) {
    const seconds = index / RATE_HZ;
    const syllable = 0.55 + 0.45 * Math.sin(2 * Math.PI * SYLLABLES_HZ * seconds);
    // The pitch wanders, so that noise suppression does not take the voice for a hum.
    const pitch = 1 + 0.08 * Math.sin(2 * Math.PI * 0.7 * seconds);
    let value = 0;
    for (const [hertz, share] of VOICE)
      value += share * Math.sin(2 * Math.PI * hertz * pitch * seconds);
    bytes.writeInt16LE(Math.round(20_000 * syllable * (value / 1.23)), 44 + index * 2);
  }
  const path = join(mkdtempSync(join(tmpdir(), "plenum-speech-")), "speech.wav");
  writeFileSync(path, bytes);
  return path;
}
