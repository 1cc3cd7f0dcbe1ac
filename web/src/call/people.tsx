// The people panel: everybody in the call, with search. Rows off screen cost no layout (content-visibility), so that
// a list of hundreds scrolls smoothly.
import {
  useConnectionQualityIndicator,
  useIsMuted,
  useIsSpeaking,
  useParticipants,
} from "@livekit/components-react";
import { ConnectionQuality, type Participant, Track } from "livekit-client";
import { Mic, MicOff, Video, VideoOff, X } from "lucide-react";
import { type CSSProperties, useEffect, useMemo, useRef, useState } from "react";
import { t } from "../i18n";
import { IconButton } from "../ui/button";
import { nameOf } from "./happenings";
import { hueOf, initials } from "./identity";

const SEARCH_FROM = 8;

function PersonRow({ participant }: { participant: Participant }) {
  const speaking = useIsSpeaking(participant);
  const micOff = useIsMuted({ participant, source: Track.Source.Microphone });
  const camOff = useIsMuted({ participant, source: Track.Source.Camera });
  const { quality } = useConnectionQualityIndicator({ participant });
  const name = nameOf(participant);
  return (
    <li className={speaking ? "person speaking" : "person"}>
      <span
        className="avatar small-avatar"
        aria-hidden="true"
        style={{ "--hue": hueOf(participant.identity) } as CSSProperties}
      >
        {initials(name)}
      </span>
      <span className="person-name">
        {participant.isLocal ? t("call.name.you", { name }) : name}
        {quality === ConnectionQuality.Poor && (
          <span className="quiet small">{t("call.quality.poor")}</span>
        )}
        {quality === ConnectionQuality.Lost && (
          <span className="quiet small">{t("call.quality.lost")}</span>
        )}
      </span>
      {micOff ? (
        <MicOff size={18} role="img" aria-label={t("call.people.micOff")} />
      ) : (
        <Mic size={18} role="img" aria-label={t("call.people.micOn")} />
      )}
      {camOff ? (
        <VideoOff size={18} role="img" aria-label={t("call.people.camOff")} />
      ) : (
        <Video size={18} role="img" aria-label={t("call.people.camOn")} />
      )}
    </li>
  );
}

export function PeoplePanel({ onClose }: { onClose: () => void }) {
  const people = useParticipants();
  const [search, setSearch] = useState("");
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    heading.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const shown = useMemo(() => {
    const wanted = search.trim().toLocaleLowerCase();
    return people
      .filter((person) => nameOf(person).toLocaleLowerCase().includes(wanted))
      .sort((a, b) => Number(b.isLocal) - Number(a.isLocal) || nameOf(a).localeCompare(nameOf(b)));
  }, [people, search]);
  return (
    <aside
      className="panel"
      aria-label={t("call.people")}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <div className="panel-head">
        <h2 ref={heading} tabIndex={-1}>
          {t("call.people.count", { count: people.length })}
        </h2>
        <IconButton look="plain" label={t("call.people.close")} onClick={onClose}>
          <X aria-hidden="true" />
        </IconButton>
      </div>
      {people.length >= SEARCH_FROM && (
        <input
          className="input"
          type="search"
          aria-label={t("call.people.search")}
          placeholder={t("call.people.search")}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      )}
      {shown.length === 0 && <p className="quiet">{t("call.people.none")}</p>}
      <ul className="people">
        {shown.map((person) => (
          <PersonRow key={person.identity} participant={person} />
        ))}
      </ul>
    </aside>
  );
}
