// Synthetic microphone and camera, and meters for what arrives.
import {
  AudioFrame,
  AudioSource,
  AudioStream,
  LocalAudioTrack,
  LocalVideoTrack,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoFrame,
  VideoSource,
  VideoStream,
} from '@livekit/rtc-node';
import { sleep } from './env.mjs';

const SAMPLE_RATE = 48_000;
const FRAME_SAMPLES = SAMPLE_RATE / 100;

/** A tone, published as microphone. `stop()` ends it. */
export async function publishTone(room, hz = 440) {
  const source = new AudioSource(SAMPLE_RATE, 1);
  const track = LocalAudioTrack.createAudioTrack('tone', source);
  const options = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE });
  const publication = await room.localParticipant.publishTrack(track, options);
  let running = true;
  const loop = (async () => {
    for (let n = 0; running; n += FRAME_SAMPLES) {
      const samples = new Int16Array(FRAME_SAMPLES);
      for (let i = 0; i < FRAME_SAMPLES; i++) samples[i] = 12_000 * Math.sin((2 * Math.PI * hz * (n + i)) / SAMPLE_RATE);
      await source.captureFrame(new AudioFrame(samples, SAMPLE_RATE, 1, FRAME_SAMPLES));
    }
  })();
  const stop = async () => {
    running = false;
    await loop.catch(() => {});
  };
  return { publication, track, stop };
}

/** A moving pattern, published as camera. `stop()` ends it. */
export async function publishPicture(room, { width = 640, height = 360, fps = 20, simulcast = false } = {}) {
  const source = new VideoSource(width, height);
  const track = LocalVideoTrack.createVideoTrack('picture', source);
  const options = new TrackPublishOptions({ source: TrackSource.SOURCE_CAMERA, simulcast });
  const publication = await room.localParticipant.publishTrack(track, options);
  let running = true;
  const loop = (async () => {
    for (let n = 0; running; n++) {
      const data = new Uint8Array((width * height * 3) / 2).fill(128);
      for (let y = 0; y < height; y++) data.fill((y + n * 4) & 0xff, y * width, y * width + (width >> 1));
      source.captureFrame(new VideoFrame(data, width, height, VideoBufferType.I420), BigInt(n) * BigInt(Math.round(1e6 / fps)));
      await sleep(1000 / fps);
    }
  })();
  return {
    publication,
    track,
    stop: async () => {
      running = false;
      await loop.catch(() => {});
    },
  };
}

/** Counts what arrives on a subscribed track: frames, and loudness or picture size. */
export function meter(track) {
  const seen = { kind: track.kind === TrackKind.KIND_AUDIO ? 'audio' : 'video', frames: 0, loud: 0, width: 0, height: 0, sizes: [] };
  const count = async () => {
    if (seen.kind === 'audio') {
      for await (const frame of new AudioStream(track, SAMPLE_RATE, 1)) {
        seen.frames++;
        let sum = 0;
        for (const sample of frame.data) sum += Math.abs(sample);
        if (sum / frame.data.length > 1_000) seen.loud++;
      }
    } else {
      for await (const { frame } of new VideoStream(track)) {
        seen.frames++;
        if (frame.width !== seen.width) seen.sizes.push(`${frame.width}x${frame.height}`);
        seen.width = frame.width;
        seen.height = frame.height;
      }
    }
  };
  count().catch((error) => {
    seen.error = String(error);
  });
  return seen;
}
