// The call: stage, side panel, bar, and what happens around them. In: a running CallSession. Out: `onOver` with the
// summary when the call has ended, for whatever reason.
import { RoomAudioRenderer, RoomContext } from "@livekit/components-react";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { ChatPanel } from "../chat/panel";
import { senderOf } from "../chat/thread";
import { useChat } from "../chat/use-chat";
import { t } from "../i18n";
import { loadPreferences, savePreferences } from "../state/preferences";
import { toast } from "../ui/announce";
import { useTitle } from "../ui/page";
import { Bar } from "./bar";
import { useCallControls } from "./controls";
import { useDeviceChanges } from "./device-changes";
import { keepHand } from "./hand-return";
import { useHappenings } from "./happenings";
import { KeysDialog, useKeys } from "./keys";
import { LobbyNotice } from "./lobby";
import { CallNotices } from "./notices";
import { PeoplePanel } from "./people";
import { CallScopeProvider } from "./scope";
import type { CallSession } from "./session";
import { Stage } from "./stage";
import type { CallSummary } from "./summary";
import { CallVerbs } from "./verbs";
import "./call.css";

interface CallViewProps {
  session: CallSession;
  code: string;
  roomName: string;
  onOver: (summary: CallSummary) => void;
}

export type Panel = "people" | "chat";

export interface CallUi {
  view: "grid" | "speaker";
  setView: (view: "grid" | "speaker") => void;
  /** What stands beside the stage. */
  panel: Panel | undefined;
  /** Shows that panel, or hides it when it is there. */
  toggle: (panel: Panel) => void;
  openChat: () => void;
  closePanel: () => void;
  keys: boolean;
  setKeys: (open: boolean) => void;
  pinned: string | undefined;
  setPinned: (key: string | undefined) => void;
}

function useCallUi(): CallUi {
  const [view, setView] = useState(() => loadPreferences().view);
  const [panel, setPanel] = useState<Panel>();
  const [keys, setKeys] = useState(false);
  const [pinned, setPinned] = useState<string>();
  return {
    view,
    setView: (next) => {
      setView(next);
      setPinned(undefined);
      savePreferences({ view: next });
    },
    panel,
    toggle: (wanted) => setPanel((shown) => (shown === wanted ? undefined : wanted)),
    openChat: () => setPanel("chat"),
    closePanel: () => setPanel(undefined),
    keys,
    setKeys,
    pinned,
    setPinned,
  };
}

/** Status of the session as React state. */
export function useStatus(session: CallSession) {
  return useSyncExternalStore(session.subscribe, () => session.status);
}

function CallScreen({ session, code, roomName }: Omit<CallViewProps, "onOver">) {
  const ui = useCallUi();
  const verbs = useMemo(() => new CallVerbs(session), [session]);
  const scope = useMemo(() => ({ session, verbs, code }), [session, verbs, code]);
  const controls = useCallControls(session, verbs);
  const status = useStatus(session);
  const chat = useChat(session, ui.panel === "chat", ui.openChat);
  useHappenings(session);
  useDeviceChanges(session.room);
  useEffect(() => keepHand(session, verbs), [session, verbs]);
  const keysOn = useKeys(controls, ui);
  useTitle(roomName ? t("call.title", { room: roomName }) : t("call.title.plain"));
  useEffect(() => {
    document.documentElement.classList.add("in-call");
    if (session.echo) toast(t("call.echo"));
    return () => document.documentElement.classList.remove("in-call");
  }, [session]);
  return (
    <CallScopeProvider value={scope}>
      <main className="call always-dark">
        <h1 className="sr-only">
          {roomName ? t("call.title", { room: roomName }) : t("call.title.plain")}
        </h1>
        <CallNotices session={session} status={status} talking={keysOn.talking}>
          <LobbyNotice code={code} />
        </CallNotices>
        <div className="call-middle">
          <Stage
            session={session}
            status={status}
            code={code}
            ui={ui}
            onStopShare={controls.share}
          />
          {ui.panel === "people" && <PeoplePanel onClose={ui.closePanel} />}
          {ui.panel === "chat" && (
            <ChatPanel
              chat={chat.chat}
              state={chat.state}
              me={senderOf(session.room.localParticipant.identity)}
              onClose={ui.closePanel}
            />
          )}
        </div>
        <Bar
          session={session}
          roomName={roomName}
          controls={controls}
          ui={ui}
          unread={chat.unread}
        />
        <KeysDialog
          open={ui.keys}
          onClose={() => ui.setKeys(false)}
          enabled={keysOn.enabled}
          onEnable={keysOn.setEnabled}
        />
      </main>
    </CallScopeProvider>
  );
}

export function CallView({ session, code, roomName, onOver }: CallViewProps) {
  const status = useStatus(session);
  useEffect(() => {
    if (status === "over" && session.summary) onOver(session.summary);
  }, [status, session, onOver]);
  if (status === "over") return null;
  return (
    <RoomContext.Provider value={session.room}>
      <CallScreen session={session} code={code} roomName={roomName} />
      <RoomAudioRenderer />
    </RoomContext.Provider>
  );
}
