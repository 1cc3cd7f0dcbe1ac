// One tile: a person's camera or screen, with name, microphone, speaking ring and connection. In: a track reference of
// the SDK, or a still picture of one while the connection is lost.
import {
  type TrackReferenceOrPlaceholder,
  useConnectionQualityIndicator,
  useIsMuted,
  useIsSpeaking,
  VideoTrack,
} from "@livekit/components-react";
import { ConnectionQuality, ParticipantEvent, Track } from "livekit-client";
import { Hand, MicOff, MonitorUp, Pin, PinOff } from "lucide-react";
import { type CSSProperties, useEffect, useRef, useState } from "react";
import { type MessageKey, t } from "../i18n";
import { IconButton, Tip } from "../ui/button";
import { nameOf } from "./happenings";
import { hueOf, initials } from "./identity";
import { useStanding } from "./scope";
import { registerVideo } from "./stills";

/** Stays the same for a person's camera or screen through republishing and reconnecting. */
export function tileKey(ref: TrackReferenceOrPlaceholder): string {
  return `${ref.participant.identity}/${ref.source}`;
}

function label(ref: TrackReferenceOrPlaceholder): string {
  const { participant, source } = ref;
  const name = nameOf(participant);
  if (source === Track.Source.ScreenShare) return t("call.tile.screen", { name });
  return participant.isLocal ? t("call.name.you", { name }) : name;
}

const QUALITY: Record<ConnectionQuality, { words: MessageKey; bars: number }> = {
  [ConnectionQuality.Excellent]: { words: "call.quality.excellent", bars: 3 },
  [ConnectionQuality.Good]: { words: "call.quality.good", bars: 2 },
  [ConnectionQuality.Poor]: { words: "call.quality.poor", bars: 1 },
  [ConnectionQuality.Lost]: { words: "call.quality.lost", bars: 0 },
  [ConnectionQuality.Unknown]: { words: "call.quality.unknown", bars: 0 },
};

function QualityBars({ trackRef }: { trackRef: TrackReferenceOrPlaceholder }) {
  const { quality } = useConnectionQualityIndicator({ participant: trackRef.participant });
  if (quality === ConnectionQuality.Unknown) return null;
  const { words, bars } = QUALITY[quality];
  return (
    <Tip label={t(words)}>
      <span className={`bars bars-${bars}`} role="img" aria-label={t(words)}>
        <i />
        <i />
        <i />
      </span>
    </Tip>
  );
}

/** Whether the server holds this video back because the connection is too thin for it. */
function usePaused(ref: TrackReferenceOrPlaceholder): boolean {
  const [paused, setPaused] = useState(false);
  const { participant, publication } = ref;
  useEffect(() => {
    const update = () => setPaused(publication?.track?.streamState === Track.StreamState.Paused);
    update();
    participant.on(ParticipantEvent.TrackStreamStateChanged, update);
    return () => {
      participant.off(ParticipantEvent.TrackStreamStateChanged, update);
    };
  }, [participant, publication?.track]);
  return paused;
}

function Still({ canvas }: { canvas: HTMLCanvasElement | undefined }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!canvas) return;
    place.current?.append(canvas);
    return () => canvas.remove();
  }, [canvas]);
  return <div ref={place} className="tile-still" />;
}

function Live({ trackRef }: { trackRef: TrackReferenceOrPlaceholder }) {
  const video = useRef<HTMLVideoElement>(null);
  const key = tileKey(trackRef);
  useEffect(() => (video.current ? registerVideo(key, video.current) : undefined), [key]);
  if (!trackRef.publication?.track) return null;
  return (
    <VideoTrack
      ref={video}
      trackRef={{ ...trackRef, publication: trackRef.publication }}
      aria-hidden="true"
    />
  );
}

interface TileProps {
  trackRef: TrackReferenceOrPlaceholder;
  style?: CSSProperties;
  pinned?: boolean;
  onPin?: ((key: string | undefined) => void) | undefined;
  /** Shown instead of the live picture: the map has the tile's last picture, or none. */
  stills?: ReadonlyMap<string, HTMLCanvasElement> | undefined;
}

function Caption({ trackRef }: { trackRef: TrackReferenceOrPlaceholder }) {
  const { participant, source } = trackRef;
  const micOff = useIsMuted({ participant, source: Track.Source.Microphone });
  const screen = source === Track.Source.ScreenShare;
  return (
    <figcaption className="tile-caption">
      {screen && <MonitorUp size={16} aria-hidden="true" />}
      {!screen && micOff && <MicOff size={16} role="img" aria-label={t("call.tile.muted")} />}
      <span className="tile-name">{label(trackRef)}</span>
      {!screen && <QualityBars trackRef={trackRef} />}
    </figcaption>
  );
}

function RaisedHand({ trackRef }: { trackRef: TrackReferenceOrPlaceholder }) {
  if (useStanding(trackRef.participant).handAt === 0) return null;
  return (
    <span className="tile-hand" role="img" aria-label={t("call.hand.raised")}>
      <Hand size={20} aria-hidden="true" />
    </span>
  );
}

function useTileState(trackRef: TrackReferenceOrPlaceholder) {
  const { participant, publication, source } = trackRef;
  const speaking = useIsSpeaking(participant);
  const screen = source === Track.Source.ScreenShare;
  const off = useIsMuted(trackRef);
  return {
    screen,
    showVideo: publication !== undefined && (screen || !off),
    speaking: speaking && !screen,
    paused: usePaused(trackRef),
  };
}

export function Tile({ trackRef, style, pinned = false, onPin, stills }: TileProps) {
  const { participant } = trackRef;
  const { screen, showVideo, speaking, paused } = useTileState(trackRef);
  const key = tileKey(trackRef);
  const name = label(trackRef);
  const classes = ["tile", screen ? "screen" : "camera", speaking && "speaking"];
  if (participant.isLocal && !screen) classes.push("own");
  return (
    <figure className={classes.filter(Boolean).join(" ")} style={style} aria-label={name}>
      {!screen && (
        <span
          className="avatar"
          aria-hidden="true"
          style={{ "--hue": hueOf(participant.identity) } as CSSProperties}
        >
          {initials(nameOf(participant))}
        </span>
      )}
      {stills ? (
        <Still canvas={stills.get(key)} />
      ) : (
        showVideo && <Live trackRef={trackRef} key={trackRef.publication?.trackSid} />
      )}
      {showVideo && paused && <p className="tile-paused">{t("call.tile.paused")}</p>}
      {!screen && <RaisedHand trackRef={trackRef} />}
      <Caption trackRef={trackRef} />
      {onPin && (
        <IconButton
          className="tile-pin"
          label={t(pinned ? "call.unpin" : "call.pin", { name })}
          onClick={() => onPin(pinned ? undefined : key)}
        >
          {pinned ? <PinOff size={18} aria-hidden="true" /> : <Pin size={18} aria-hidden="true" />}
        </IconButton>
      )}
    </figure>
  );
}
