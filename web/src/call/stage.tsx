// The stage: everybody as a grid, or one large with the others in a strip. While the connection is lost it shows the
// last pictures, dimmed.
import {
  type TrackReferenceOrPlaceholder,
  useSpeakingParticipants,
  useTracks,
} from "@livekit/components-react";
import { Track } from "livekit-client";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import { t } from "../i18n";
import { CopyLink } from "../pages/copy-link";
import { Button, IconButton } from "../ui/button";
import type { CallUi } from "./call";
import { useFocus } from "./focus";
import { gridFor, pageCount, pageOf, tilesPerPage } from "./layout";
import { firstPageFirst } from "./order";
import type { CallSession, Status } from "./session";
import { takeStills } from "./stills";
import { Tile, tileKey } from "./tile";

const GAP = 8;
/** How many small tiles stand beside the large one; more would be too small to see. */
const STRIP = 6;
/** After a reconnect pictures take a moment to arrive; the stills stay until then. */
const THAW_MS = 1_500;

type Refs = TrackReferenceOrPlaceholder[];

function useSize(element: RefObject<HTMLElement | null>) {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const target = element.current;
    if (!target) return;
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      setSize({ width, height });
    });
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return size;
}

interface Frozen {
  refs: Refs;
  stills: Map<string, HTMLCanvasElement>;
}

/** What was on stage when the connection was lost; undefined while all is well. */
function useFrozen(session: CallSession, status: Status, refs: Refs): Frozen | undefined {
  const [frozen, setFrozen] = useState<Frozen>();
  const shown = useRef<Refs>(refs);
  useEffect(() => {
    if (session.status === "live") shown.current = refs;
  });
  useEffect(
    () =>
      // Runs within the SDK's event, while the last frames are still on the elements.
      session.subscribe(() => {
        if (session.status !== "reconnecting") return;
        setFrozen((before) => before ?? { refs: shown.current, stills: takeStills() });
      }),
    [session],
  );
  useEffect(() => {
    if (status !== "live") return;
    const timer = setTimeout(() => setFrozen(undefined), THAW_MS);
    return () => clearTimeout(timer);
  }, [status]);
  return frozen;
}

/** People who speak move to the first `perPage` without shuffling them. */
function useOrder(refs: Refs, perPage: number): Refs {
  // Renders again when somebody begins to speak.
  useSpeakingParticipants();
  const standings = refs.map((ref) => ({
    ref,
    key: tileKey(ref),
    isLocal: ref.participant.isLocal,
    spokeAt: ref.participant.lastSpokeAt?.getTime() ?? 0,
  }));
  return firstPageFirst(standings, perPage).map((standing) => standing.ref);
}

interface PartProps {
  refs: Refs;
  ui: CallUi;
  stills: Frozen["stills"] | undefined;
}

function GridView({ refs, ui, stills }: PartProps) {
  const area = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(area);
  const [page, setPage] = useState(0);
  const perPage = tilesPerPage(width || window.innerWidth);
  const ordered = useOrder(refs, perPage);
  const pages = pageCount(ordered.length, perPage);
  const at = Math.min(page, pages - 1);
  const shown = pageOf(ordered, at, perPage);
  const grid = gridFor(shown.length, width, height, GAP);
  return (
    <>
      <div className="grid" ref={area}>
        {width > 0 &&
          shown.map((ref) => (
            <Tile
              key={tileKey(ref)}
              trackRef={ref}
              style={{ width: grid.tileWidth, height: grid.tileHeight }}
              onPin={ordered.length > 1 && !stills ? ui.setPinned : undefined}
              stills={stills}
            />
          ))}
      </div>
      {pages > 1 && (
        <nav className="pager" aria-label={t("call.page.of", { page: at + 1, pages })}>
          <IconButton
            label={t("call.page.prev")}
            disabled={at === 0}
            onClick={() => setPage(at - 1)}
          >
            <ChevronLeft aria-hidden="true" />
          </IconButton>
          <span>{t("call.page.of", { page: at + 1, pages })}</span>
          <IconButton
            label={t("call.page.next")}
            disabled={at === pages - 1}
            onClick={() => setPage(at + 1)}
          >
            <ChevronRight aria-hidden="true" />
          </IconButton>
        </nav>
      )}
    </>
  );
}

function FocusView({
  refs,
  ui,
  stills,
  focus,
}: PartProps & { focus: TrackReferenceOrPlaceholder }) {
  const others = refs.filter((ref) => tileKey(ref) !== tileKey(focus));
  const strip = useOrder(others, STRIP).slice(0, STRIP);
  const pinned = ui.pinned === tileKey(focus);
  return (
    <div className={strip.length > 0 ? "focus" : "focus alone"}>
      <div className="focus-main">
        <Tile
          key={tileKey(focus)}
          trackRef={focus}
          pinned={pinned}
          onPin={stills || others.length === 0 ? undefined : ui.setPinned}
          stills={stills}
        />
      </div>
      {strip.length > 0 && (
        <section className="strip" aria-label={t("call.strip")}>
          {strip.map((ref) => (
            <Tile
              key={tileKey(ref)}
              trackRef={ref}
              onPin={stills ? undefined : ui.setPinned}
              stills={stills}
            />
          ))}
        </section>
      )}
    </div>
  );
}

function isOwnScreen(ref: TrackReferenceOrPlaceholder): boolean {
  return ref.participant.isLocal && ref.source === Track.Source.ScreenShare;
}

interface StageProps {
  session: CallSession;
  status: Status;
  code: string;
  ui: CallUi;
  onStopShare: () => void;
}

export function Stage({ session, status, code, ui, onStopShare }: StageProps) {
  const all = useTracks(
    [
      { source: Track.Source.Camera, withPlaceholder: true },
      { source: Track.Source.ScreenShare, withPlaceholder: false },
    ],
    { room: session.room, onlySubscribed: false },
  );
  const sharing = all.some(isOwnScreen);
  // One's own screen would only show itself again and again; the line above the stage says that it is shared.
  const live = all.filter((ref) => !isOwnScreen(ref));
  const frozen = useFrozen(session, status, live);
  const refs = frozen?.refs ?? live;
  const focus = useFocus(session.room, refs, ui);
  const alone = live.every((ref) => ref.participant.isLocal);
  const stills = frozen?.stills;
  return (
    <section className={frozen ? "stage frozen" : "stage"} aria-label={t("call.stage")}>
      {sharing && (
        <div className="stage-note">
          {t("call.screen.yours")}
          <Button onClick={onStopShare}>{t("call.screen.stop")}</Button>
        </div>
      )}
      {alone && !frozen && !sharing && (
        <div className="stage-note">
          {t("call.alone")}
          <CopyLink code={code} />
        </div>
      )}
      {focus ? (
        <FocusView refs={refs} ui={ui} stills={stills} focus={focus} />
      ) : (
        <GridView refs={refs} ui={ui} stills={stills} />
      )}
    </section>
  );
}
