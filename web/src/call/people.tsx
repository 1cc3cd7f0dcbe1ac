// The people panel: everybody in the call, with search, roles and raised hands, and for hosts what they may do. Rows off screen cost no layout (content-visibility), so that
// a list of hundreds scrolls smoothly.
import {
  useConnectionQualityIndicator,
  useIsMuted,
  useIsSpeaking,
  useParticipants,
} from "@livekit/components-react";
import { ConnectionQuality, type Participant, Track } from "livekit-client";
import { Hand, Mic, MicOff, Video, VideoOff, X } from "lucide-react";
import { type CSSProperties, useEffect, useMemo, useRef, useState } from "react";
import { type MessageKey, t } from "../i18n";
import { IconButton } from "../ui/button";
import { byHand, handAt } from "./hands";
import { nameOf } from "./happenings";
import { type Removal, RemoveDialog } from "./host-dialogs";
import { HostTools } from "./host-tools";
import { hueOf, initials } from "./identity";
import { PersonMenu } from "./person-menu";
import { type CallRole, leads, rightsOver, type Somebody } from "./rights";
import { useCall, useOwnStanding, useStanding } from "./scope";

const SEARCH_FROM = 8;

const ROLE_WORDS: Partial<Record<CallRole, MessageKey>> = {
  host: "call.role.host",
  cohost: "call.role.cohost",
};

interface PersonRowProps {
  participant: Participant;
  own: Somebody;
  onRemove: (person: Removal) => void;
}

function PersonRow({ participant, own, onRemove }: PersonRowProps) {
  const speaking = useIsSpeaking(participant);
  const micOff = useIsMuted({ participant, source: Track.Source.Microphone });
  const camOff = useIsMuted({ participant, source: Track.Source.Camera });
  const { quality } = useConnectionQualityIndicator({ participant });
  const standing = useStanding(participant);
  const role = participant.isLocal ? own.role : standing.role;
  const hand = standing.handAt > 0;
  const roleWords = ROLE_WORDS[role];
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
        {roleWords && <span className="quiet small">{t(roleWords)}</span>}
        {quality === ConnectionQuality.Poor && (
          <span className="quiet small">{t("call.quality.poor")}</span>
        )}
        {quality === ConnectionQuality.Lost && (
          <span className="quiet small">{t("call.quality.lost")}</span>
        )}
      </span>
      {hand && <Hand className="hand" size={18} role="img" aria-label={t("call.hand.raised")} />}
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
      {leads(own.role) && (
        <PersonMenu
          participant={participant}
          rights={rightsOver(own, { identity: participant.identity, role })}
          micOff={micOff}
          hand={hand}
          onRemove={onRemove}
        />
      )}
    </li>
  );
}

export function PeoplePanel({ onClose }: { onClose: () => void }) {
  const { code } = useCall();
  const people = useParticipants();
  const own = useOwnStanding(code);
  const [search, setSearch] = useState("");
  const [removal, setRemoval] = useState<Removal>();
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
      .sort(
        (a, b) =>
          byHand(handAt(a.attributes), handAt(b.attributes)) ||
          Number(b.isLocal) - Number(a.isLocal) ||
          nameOf(a).localeCompare(nameOf(b)),
      );
  }, [people, search]);
  const hands = people.filter((person) => handAt(person.attributes) > 0).length;
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
      {leads(own.role) && <HostTools hands={hands} />}
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
          <PersonRow key={person.identity} participant={person} own={own} onRemove={setRemoval} />
        ))}
      </ul>
      <RemoveDialog person={removal} onClose={() => setRemoval(undefined)} />
    </aside>
  );
}
