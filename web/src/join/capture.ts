// Camera and microphone before the call: opens what the person wants, says why something does not open, follows
// devices that come and go, and hands the running tracks over to the call. In: the browser's media devices.
import { useCallback, useEffect, useRef, useState } from "react";
import { captureHeight, loadPreferences, savePreferences } from "../state/preferences";
import { type Cause, causeOf, combine, type MediaTrouble } from "./media-trouble";

export type Kind = "audio" | "video";

export interface Tracks {
  audio?: MediaStreamTrack | undefined;
  video?: MediaStreamTrack | undefined;
}

interface Wish {
  audio: boolean;
  video: boolean;
  audioDevice: string;
  videoDevice: string;
}

type Causes = Partial<Record<Kind, Cause>>;

function constraintsFor(kind: Kind, wish: Wish): MediaTrackConstraints {
  // `ideal`: a remembered device that is gone gives way to another instead of failing.
  if (kind === "audio") {
    return {
      ...(wish.audioDevice ? { deviceId: { ideal: wish.audioDevice } } : {}),
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
    };
  }
  const height = captureHeight();
  return {
    ...(wish.videoDevice ? { deviceId: { ideal: wish.videoDevice } } : {}),
    width: { ideal: (height * 16) / 9 },
    height: { ideal: height },
    frameRate: { ideal: 30 },
  };
}

async function openOnly(kind: Kind, wish: Wish): Promise<MediaStreamTrack | undefined> {
  const stream = await navigator.mediaDevices.getUserMedia({ [kind]: constraintsFor(kind, wish) });
  return stream.getTracks()[0];
}

/** Opens `kinds` with one permission question; when that fails, one by one, to learn which of them is the trouble. */
async function open(kinds: Kind[], wish: Wish): Promise<{ tracks: Tracks; causes: Causes }> {
  const tracks: Tracks = {};
  const causes: Causes = {};
  if (kinds.length === 2) {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: constraintsFor("audio", wish),
        video: constraintsFor("video", wish),
      });
      return {
        tracks: { audio: stream.getAudioTracks()[0], video: stream.getVideoTracks()[0] },
        causes,
      };
    } catch {
      // Learn more below.
    }
  }
  for (const kind of kinds) {
    try {
      tracks[kind] = await openOnly(kind, wish);
    } catch (error) {
      causes[kind] = causeOf(error);
    }
  }
  return { tracks, causes };
}

function cannotCapture(): Cause | undefined {
  // Typed as always there; on insecure pages it is not.
  if ((navigator as Partial<Navigator>).mediaDevices !== undefined) return undefined;
  return window.isSecureContext ? "unsupported" : "insecure";
}

async function listDevices(): Promise<MediaDeviceInfo[]> {
  try {
    return await navigator.mediaDevices.enumerateDevices();
  } catch {
    return [];
  }
}

export interface Capture extends Tracks {
  wish: Wish;
  starting: boolean;
  trouble: MediaTrouble | undefined;
  devices: MediaDeviceInfo[];
  turn: (kind: Kind, on: boolean) => void;
  choose: (kind: Kind, deviceId: string) => void;
  retry: () => void;
  /**
   * Gives the running tracks to the caller, who stops them from now on, and what is wished and not known to fail: who
   * joins while a device is still opening opens it in the call.
   */
  take: () => { tracks: Tracks; wish: { audio: boolean; video: boolean } };
}

export function useCapture(): Capture {
  const [wish, setWish] = useState<Wish>(() => loadPreferences());
  const [tracks, setTracks] = useState<Tracks>({});
  const [causes, setCauses] = useState<Causes>({});
  const [starting, setStarting] = useState(true);
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  const live = useRef<Tracks>({});
  const round = useRef(0);

  const start = useCallback(async (kinds: Kind[], next: Wish) => {
    const blocked = cannotCapture();
    const wanted = kinds.filter((kind) => next[kind]);
    round.current += 1;
    const mine = round.current;
    for (const kind of kinds) live.current[kind]?.stop();
    live.current = {
      ...live.current,
      ...Object.fromEntries(kinds.map((kind) => [kind, undefined])),
    };
    setTracks(live.current);
    setStarting(wanted.length > 0 && !blocked);
    const opened =
      blocked || wanted.length === 0
        ? { tracks: {}, causes: blocked ? { audio: blocked, video: blocked } : {} }
        : await open(wanted, next);
    if (mine !== round.current) {
      // Overtaken by a later choice, or the page is gone.
      for (const track of Object.values(opened.tracks)) track?.stop();
      return;
    }
    live.current = { ...live.current, ...opened.tracks };
    setTracks(live.current);
    setCauses((before) => ({
      ...before,
      ...Object.fromEntries(kinds.map((kind) => [kind, undefined])),
      ...opened.causes,
    }));
    setStarting(false);
    // Names of devices are hidden until one of them was allowed.
    if (!blocked) setDevices(await listDevices());
  }, []);

  useEffect(() => {
    void start(["audio", "video"], loadPreferences());
    const refresh = async () => setDevices(await listDevices());
    navigator.mediaDevices?.addEventListener("devicechange", refresh);
    return () => {
      round.current += 1;
      live.current.audio?.stop();
      live.current.video?.stop();
      live.current = {};
      navigator.mediaDevices?.removeEventListener("devicechange", refresh);
    };
  }, [start]);

  const change = (kind: Kind, part: Partial<Wish>) => {
    const next = { ...wish, ...part };
    setWish(next);
    savePreferences(part);
    // Choices made while a device is opening restart both, so that none of them is lost.
    void start(starting ? ["audio", "video"] : [kind], next);
  };

  // An unplugged device ends its track: look for another one.
  useEffect(() => {
    const lost = (kind: Kind) => () => void start([kind], wish);
    const [onAudio, onVideo] = [lost("audio"), lost("video")];
    tracks.audio?.addEventListener("ended", onAudio);
    tracks.video?.addEventListener("ended", onVideo);
    return () => {
      tracks.audio?.removeEventListener("ended", onAudio);
      tracks.video?.removeEventListener("ended", onVideo);
    };
  }, [tracks, wish, start]);

  return {
    ...tracks,
    wish,
    starting,
    trouble: combine(causes.audio, causes.video),
    devices,
    turn: (kind, on) => change(kind, kind === "audio" ? { audio: on } : { video: on }),
    choose: (kind, id) =>
      change(
        kind,
        kind === "audio" ? { audioDevice: id, audio: true } : { videoDevice: id, video: true },
      ),
    retry: () => void start(["audio", "video"], wish),
    take: () => {
      const taken = live.current;
      live.current = {};
      round.current += 1;
      return {
        tracks: taken,
        wish: { audio: wish.audio && !causes.audio, video: wish.video && !causes.video },
      };
    },
  };
}
