// `/j/:code`: before the call, the call, and after it, under one address. The call's own code arrives while the person
// looks at the pre-join page.
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Link, useParams } from "react-router";
import { Problem } from "../api/problem";
import { useMe, useRoom } from "../api/queries";
import type { CallSession } from "../call/session";
import type { CallSummary } from "../call/summary";
import { t } from "../i18n";
import { forgetPass } from "../state/passes";
import { Message, Page } from "../ui/page";
import { AfterCall } from "./after";
import { PreJoin } from "./prejoin";
import "./join.css";

export const loadCall = () => import("../call/index");
const CallView = lazy(() => loadCall().then((module) => ({ default: module.CallView })));

const LOOK_AGAIN_MS = 15_000;

type Stage =
  | { kind: "before" }
  | { kind: "call"; session: CallSession; roomName: string }
  | { kind: "after"; summary: CallSummary };

function NoRoom() {
  return (
    <Page title={t("join.error.notfound.title")}>
      <Message title={t("join.error.notfound.title")} text={t("join.error.notfound.text")}>
        <Link className="button primary" to="/">
          {t("action.home")}
        </Link>
      </Message>
    </Page>
  );
}

function JoinFlow({ code }: { code: string }) {
  const [stage, setStage] = useState<Stage>({ kind: "before" });
  const me = useMe();
  // Who waits before the call wants to see whether somebody is in it; within the call the call itself tells.
  const room = useRoom(code, stage.kind === "before" ? LOOK_AGAIN_MS : undefined);
  const running = useRef<CallSession>(undefined);
  // Who signed in meanwhile, in another tab or by a provider, is no guest any more.
  const isSignedIn = Boolean(me.data);
  useEffect(() => {
    if (isSignedIn) void forgetPass();
  }, [isSignedIn]);

  // Going elsewhere in the app (back, a link) leaves the call.
  useEffect(() => () => running.current?.leave(), []);

  if (stage.kind === "call") {
    return (
      <Suspense fallback={null}>
        <CallView
          session={stage.session}
          code={code}
          roomName={stage.roomName}
          onOver={(summary) => {
            running.current = undefined;
            setStage({ kind: "after", summary });
          }}
        />
      </Suspense>
    );
  }
  if (stage.kind === "after") {
    const rejoin = () => setStage({ kind: "before" });
    return <AfterCall code={code} summary={stage.summary} onRejoin={rejoin} />;
  }
  if (room.error instanceof Problem && room.error.status === 404) return <NoRoom />;
  return (
    <PreJoin
      code={code}
      room={room.data}
      me={me.data}
      asking={me.isPending}
      loadCall={loadCall}
      onJoined={(session, roomName) => {
        running.current = session;
        setStage({ kind: "call", session, roomName });
      }}
    />
  );
}

export default function JoinPage() {
  const { code = "" } = useParams();
  // Another code is another call: nothing of the former one may stay.
  return <JoinFlow key={code} code={code.toLowerCase()} />;
}
