// One person's presence in a call, without any React: connects, publishes, keeps microphone and camera as wished,
// and comes back by a new join when the connection is lost for good. In: a join ticket and the tracks of the pre-join
// page. Out: the SDK's `Room`, a status, and at the end a summary. Must not know how anything looks.
import {
  LocalAudioTrack,
  type LocalTrack,
  LocalVideoTrack,
  type Participant,
  Room,
  RoomEvent,
  Track,
  type TrackPublication,
  VideoPresets,
} from "livekit-client";
import type { JoinAnswer } from "../api/queries";
import { captureHeight, loadPreferences, savePreferences } from "../state/preferences";
import { retryDelayMs } from "../state/retry";
import { endOf, endOfRetry } from "./ending";
import { isElsewhereToo } from "./identity";
import type { CallSummary, EndReason } from "./summary";
import { isWithdrawn, WITHDRAWN_PAUSE_MS, WITHDRAWN_TRIES } from "./withdrawn";

export type Status = "connecting" | "live" | "reconnecting" | "over";

export interface SessionOptions {
  /** Asks the control plane for a new ticket, for a return after a lost connection. */
  ask: () => Promise<JoinAnswer>;
  /** What a guest shows instead of a session; known once a ticket was given. */
  pass: () => string | undefined;
  tracks: { audio?: MediaStreamTrack | undefined; video?: MediaStreamTrack | undefined };
  wish: { audio: boolean; video: boolean };
}

/** After this long the SDK no longer tries alone: its media node may be gone, and the call be on another. */
const LOOK_ELSEWHERE_MS = 3_000;
/** Longest that taking leave of a lost node may take. */
const PARTING_MS = 1_000;
/** After this long without a way back the person is told, and may try by hand. */
const GIVE_UP_MS = 120_000;
/** Names kept for the after-call page. */
const MOST_PEOPLE = 1_000;

/** The ticket's servers as the browser takes them: absent instead of null. */
function iceServers(ticket: JoinAnswer): RTCIceServer[] {
  return ticket.ice_servers.map(({ urls, username, credential }) => ({
    urls,
    ...(username ? { username } : {}),
    ...(credential ? { credential } : {}),
  }));
}

function newRoom(): Room {
  const { audioDevice, videoDevice, speakerDevice } = loadPreferences();
  const preset = captureHeight() === 360 ? VideoPresets.h360 : VideoPresets.h720;
  return new Room({
    adaptiveStream: true,
    dynacast: true,
    videoCaptureDefaults: {
      resolution: preset.resolution,
      ...(videoDevice ? { deviceId: videoDevice } : {}),
    },
    audioCaptureDefaults: {
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      ...(audioDevice ? { deviceId: audioDevice } : {}),
    },
    ...(speakerDevice ? { audioOutput: { deviceId: speakerDevice } } : {}),
    publishDefaults: { simulcast: true, videoEncoding: preset.encoding },
  });
}

export class CallSession {
  readonly room = newRoom();
  status: Status = "connecting";
  /** The person is in this call elsewhere too; the microphone started off. */
  echo = false;
  /** Since when the connection is lost, in milliseconds since the epoch. */
  lostAt = 0;
  readonly startedAt = Date.now();
  roomId = "";
  /** The chat of the room, which the ticket tells. */
  conversationId: string | undefined;
  summary: CallSummary | undefined;

  /** Called when a host muted this person's microphone. */
  onMutedByHost: (() => void) | undefined;

  readonly #options: SessionOptions;
  readonly #wish: { audio: boolean; video: boolean };
  #endedHere = false;
  readonly #people = new Map<string, string>();
  readonly #listeners = new Set<() => void>();
  #returning = false;
  /** The media node's address. */
  #url = "";
  #looking: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#wish = { ...options.wish };
    this.room
      .on(RoomEvent.ParticipantConnected, this.#note)
      .on(RoomEvent.ParticipantNameChanged, (_name, participant) => this.#note(participant))
      .on(RoomEvent.SignalReconnecting, this.#onTrouble)
      .on(RoomEvent.Reconnecting, this.#onTrouble)
      .on(RoomEvent.Reconnected, () => this.#set("live"))
      .on(RoomEvent.TrackMuted, this.#onMute)
      .on(RoomEvent.Disconnected, (reason) => {
        if (this.status === "connecting" || this.status === "over" || this.#returning) return;
        const end = endOf(reason);
        if (end === "closed" && this.#endedHere) this.#end("ended");
        else if (end) this.#end(end);
        else void this.#return();
      });
  }

  /** What a guest shows to the API; undefined for who has a session. */
  get pass(): string | undefined {
    return this.#options.pass();
  }

  /** Connects with `ticket` and begins to publish. Throws the SDK's ConnectionError, or a Problem of a further ticket. */
  async start(ticket: JoinAnswer): Promise<void> {
    await this.#enter(ticket);
    this.#set("live");
    void this.#publishFirst();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Microphone on or off. Throws when the device cannot be opened. */
  async setMicrophone(on: boolean, remember = true): Promise<void> {
    this.#wish.audio = on;
    if (remember) savePreferences({ audio: on });
    await this.room.localParticipant.setMicrophoneEnabled(on);
  }

  /** Camera on or off. Throws when the device cannot be opened. */
  async setCamera(on: boolean): Promise<void> {
    this.#wish.video = on;
    savePreferences({ video: on });
    await this.room.localParticipant.setCameraEnabled(on);
  }

  leave(): void {
    if (this.status === "over") return;
    this.#end("left");
    for (const track of Object.values(this.#options.tracks)) track?.stop();
    void this.room.disconnect();
  }

  /** The person ended the call for everybody: its end is no surprise. */
  expectEnd(expected: boolean): void {
    this.#endedHere = expected;
  }

  // Who comes back within the second of their removal gets a token that was withdrawn with it, and soon one that was not.
  async #enter(first: JoinAnswer): Promise<void> {
    let ticket = first;
    for (let left = WITHDRAWN_TRIES; ; left -= 1) {
      try {
        return await this.#connect(ticket);
      } catch (error) {
        if (left === 0 || !isWithdrawn(error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, WITHDRAWN_PAUSE_MS));
      ticket = await this.#options.ask();
      if (this.#isOver()) throw new Error("left");
    }
  }

  async #connect(ticket: JoinAnswer): Promise<void> {
    this.roomId = ticket.room.id;
    this.conversationId = ticket.room.conversation_id ?? undefined;
    await this.room.connect(ticket.url, ticket.token, {
      autoSubscribe: true,
      ...(ticket.ice_servers.length > 0 ? { rtcConfig: { iceServers: iceServers(ticket) } } : {}),
    });
    this.#url = ticket.url;
    for (const participant of this.room.remoteParticipants.values()) this.#note(participant);
    const { identity } = this.room.localParticipant;
    this.echo = isElsewhereToo(identity, this.room.remoteParticipants.keys());
    if (this.echo) this.#wish.audio = false;
  }

  // The tracks of the pre-join page go on, so that neither picture nor permission is asked for twice. What it had not
  // opened yet is opened now.
  async #publishFirst(): Promise<void> {
    const { localParticipant, options } = this.room;
    const { audio, video } = this.#options.tracks;
    const jobs: Promise<unknown>[] = [];
    if (!this.#wish.audio) {
      audio?.stop();
    } else if (audio) {
      const track = new LocalAudioTrack(audio, audio.getConstraints(), false);
      jobs.push(this.#publish(track, Track.Source.Microphone));
    } else {
      jobs.push(localParticipant.setMicrophoneEnabled(true, options.audioCaptureDefaults));
    }
    if (!this.#wish.video) {
      video?.stop();
    } else if (video) {
      const track = new LocalVideoTrack(video, video.getConstraints(), false);
      jobs.push(this.#publish(track, Track.Source.Camera));
    } else {
      jobs.push(localParticipant.setCameraEnabled(true, options.videoCaptureDefaults));
    }
    // What does not open shows as off; pressing its button says why.
    await Promise.allSettled(jobs);
    this.#changed();
  }

  #publish(track: LocalTrack, source: Track.Source): Promise<unknown> {
    return this.room.localParticipant.publishTrack(track, { source });
  }

  // While the SDK tries to get its connection back, a new ticket says where the call is by now. Somewhere else: go there.
  async #lookElsewhere(): Promise<void> {
    const ticket = await this.#options.ask().catch(() => undefined);
    if (this.status !== "reconnecting" || this.#returning) return;
    if (!ticket || ticket.url === this.#url) {
      this.#lookLater();
      return;
    }
    this.#returning = true;
    const parted = this.room.disconnect().catch(() => undefined);
    await Promise.race([parted, new Promise((resolve) => setTimeout(resolve, PARTING_MS))]);
    this.#returning = false;
    await this.#return(ticket);
  }

  #lookLater(): void {
    clearTimeout(this.#looking);
    this.#looking = setTimeout(() => void this.#lookElsewhere(), LOOK_ELSEWHERE_MS);
  }

  // The SDK's own attempts are over, or its node is not the call's any more: join afresh, with the ticket at hand or a new
  // one, until it works or makes no sense.
  async #return(atHand?: JoinAnswer): Promise<void> {
    if (this.#returning) return;
    this.#returning = true;
    this.#onTrouble();
    let ticket = atHand;
    for (let attempt = 0; this.status !== "over"; attempt += 1) {
      if (Date.now() - this.lostAt > GIVE_UP_MS) {
        this.#end("lost");
        break;
      }
      if (!ticket) {
        await new Promise((resolve) => setTimeout(resolve, retryDelayMs(attempt, Math.random())));
      }
      if (this.#isOver()) break;
      try {
        const next = ticket ?? (await this.#options.ask());
        ticket = undefined;
        await this.#connect(next);
        if (this.#isOver()) {
          await this.room.disconnect();
          break;
        }
        this.#set("live");
        void this.#republish();
        break;
      } catch (error) {
        const end = endOfRetry(error);
        if (end) this.#end(end);
      }
    }
    this.#returning = false;
  }

  async #republish(): Promise<void> {
    const { localParticipant } = this.room;
    const jobs: Promise<unknown>[] = [];
    if (this.#wish.audio) jobs.push(localParticipant.setMicrophoneEnabled(true));
    if (this.#wish.video) jobs.push(localParticipant.setCameraEnabled(true));
    await Promise.allSettled(jobs);
  }

  // `leave` may run while a promise is awaited; a call hides that change from the compiler's narrowing.
  #isOver(): boolean {
    return this.status === "over";
  }

  #note = (participant: Participant): void => {
    if (participant.isLocal) return;
    if (this.#people.size < MOST_PEOPLE || this.#people.has(participant.identity)) {
      this.#people.set(participant.identity, participant.name ?? "");
    }
  };

  // A mute that nobody here asked for, of a device that still works, came from a host. It holds through a reconnect.
  #onMute = (publication: TrackPublication, participant: Participant): void => {
    if (!participant.isLocal || publication.source !== Track.Source.Microphone) return;
    const works = publication.track?.mediaStreamTrack.readyState === "live";
    if (!this.#wish.audio || !works) return;
    this.#wish.audio = false;
    this.onMutedByHost?.();
  };

  #onTrouble = (): void => {
    if (this.status === "over" || this.status === "connecting") return;
    if (this.status !== "reconnecting") {
      this.lostAt = Date.now();
      this.#lookLater();
    }
    this.#set("reconnecting");
  };

  #end(reason: EndReason): void {
    this.summary = {
      reason,
      durationMs: Date.now() - this.startedAt,
      people: [...this.#people].map(([identity, name]) => ({ identity, name })),
    };
    this.#set("over");
  }

  #set(status: Status): void {
    if (this.status === "over") return;
    if (status !== "reconnecting") clearTimeout(this.#looking);
    this.status = status;
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
