// The page before the call: see and hear oneself, choose devices, give a name, and join. Every trouble has its own
// sentence and next step here.
import { Mic, MicOff, Video, VideoOff } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { Problem } from "../api/problem";
import { type JoinAnswer, type Room, requestJoin, type User } from "../api/queries";
import type { CallSession } from "../call/session";
import { plural, t } from "../i18n";
import { forgetPass, keepPass, nameOfGuest, passOf } from "../state/passes";
import { loadPreferences, savePreferences } from "../state/preferences";
import { tabName } from "../state/tab";
import { Button, IconButton } from "../ui/button";
import { Field } from "../ui/field";
import { Notice } from "../ui/notice";
import { Page } from "../ui/page";
import { type Capture, useCapture } from "./capture";
import { DeviceChoice } from "./device-choice";
import { connectTrouble, DENIED, type JoinTrouble, joinTrouble } from "./join-trouble";
import { waitInLobby } from "./lobby";
import { MediaNotice } from "./media-notice";
import { MicMeter } from "./mic-meter";

interface PreJoinProps {
  code: string;
  room: Room | undefined;
  me: User | null | undefined;
  /** Whether it is still unknown who this is. */
  asking: boolean;
  loadCall: () => Promise<typeof import("../call/index")>;
  onJoined: (session: CallSession, roomName: string) => void;
}

function Preview({ capture }: { capture: Capture }) {
  const video = useRef<HTMLVideoElement>(null);
  const { video: track, starting, wish } = capture;
  // What does not run counts as off, whatever was wished: pressing the button then tries again.
  const micOn = wish.audio && (starting || capture.audio !== undefined);
  const camOn = wish.video && (starting || track !== undefined);
  useEffect(() => {
    if (video.current) video.current.srcObject = track ? new MediaStream([track]) : null;
  }, [track]);
  return (
    <div className="preview always-dark">
      <video
        ref={video}
        className="mirrored"
        aria-label={t("join.preview")}
        hidden={!track}
        autoPlay
        muted
        playsInline
      />
      {!track && (
        <p className="preview-empty">
          {starting && wish.video ? t("join.preview.starting") : t("join.preview.off")}
        </p>
      )}
      <div className="preview-bar">
        <IconButton
          label={micOn ? t("join.mic.off") : t("join.mic.on")}
          className={micOn ? "round" : "round off"}
          onClick={() => capture.turn("audio", !micOn)}
        >
          {micOn ? <Mic aria-hidden="true" /> : <MicOff aria-hidden="true" />}
        </IconButton>
        <IconButton
          label={camOn ? t("join.cam.off") : t("join.cam.on")}
          className={camOn ? "round" : "round off"}
          onClick={() => capture.turn("video", !camOn)}
        >
          {camOn ? <Video aria-hidden="true" /> : <VideoOff aria-hidden="true" />}
        </IconButton>
      </div>
    </div>
  );
}

function TroubleNotice({ trouble, code }: { trouble: JoinTrouble; code: string }) {
  return (
    <Notice tone="bad" alert title={t(trouble.title)}>
      <p>{trouble.text ? t(trouble.text) : trouble.detail}</p>
      {trouble.step === "signin" && (
        <div>
          <Link className="button" to={`/signin?next=/j/${code}`}>
            {t("nav.signin")}
          </Link>
        </div>
      )}
      {trouble.step === "home" && (
        <div>
          <Link className="button" to="/">
            {t("action.home")}
          </Link>
        </div>
      )}
    </Notice>
  );
}

/** Whether the answer is to wait until a host lets one in. */
function isToWait(error: unknown): boolean {
  return error instanceof Problem && error.code === "lobby_required";
}

/** Whether a pass is of no use any more: over (it is a guest's for a day after the call), or the room takes no guests. */
function isUseless(error: unknown): boolean {
  return error instanceof Problem && error.status === 401;
}

function useJoining({ code, me, loadCall, onJoined }: PreJoinProps, capture: Capture) {
  const [busy, setBusy] = useState(false);
  const [waiting, setWaiting] = useState<AbortController>();
  const [trouble, setTrouble] = useState<JoinTrouble>();
  const gone = useRef<AbortController>(undefined);
  // Who goes elsewhere in the app neither waits nor joins any more.
  useEffect(() => () => gone.current?.abort(), []);
  const join = async (guestName: string) => {
    setBusy(true);
    setTrouble(undefined);
    const giveUp = new AbortController();
    gone.current = giveUp;
    // A guest comes back as the same person: after a lost connection, a reload, and from the page after the call.
    let pass = me ? undefined : await passOf(code);
    const remember = (next: string | undefined) => {
      pass = next;
      if (!me) void (next ? keepPass(code, next, guestName) : forgetPass(code));
    };
    const ask = async (): Promise<JoinAnswer> => {
      const values = { ...(me ? {} : { display_name: guestName }), client_id: await tabName() };
      try {
        const answer = await requestJoin(code, values, pass);
        remember(pass ?? answer.guest?.access_token ?? undefined);
        return answer;
      } catch (error) {
        if (pass === undefined || !isUseless(error)) throw error;
      }
      remember(undefined);
      return ask();
    };
    /** A ticket, if need be after waiting; undefined when there will be none. */
    const askOrWait = async (): Promise<JoinAnswer | undefined> => {
      try {
        return await ask();
      } catch (error) {
        if (!isToWait(error)) throw error;
      }
      setWaiting(giveUp);
      const displayName = me ? undefined : guestName;
      const { signal } = giveUp;
      const decision = await waitInLobby({ code, displayName, pass, signal, keep: remember });
      // Who was refused asks anew, as anybody may.
      remember(decision?.admitted ? (decision.pass ?? pass) : undefined);
      if (decision?.admitted) return ask();
      if (decision) setTrouble(DENIED);
      return undefined;
    };
    try {
      const [ticket, { CallSession }] = await Promise.all([askOrWait(), loadCall()]);
      setWaiting(undefined);
      if (!ticket || giveUp.signal.aborted) return;
      const session = new CallSession({ ask, pass: () => pass, ...capture.take() });
      giveUp.signal.addEventListener("abort", () => session.leave());
      try {
        await session.start(ticket);
        if (giveUp.signal.aborted) return;
        gone.current = undefined;
        onJoined(session, ticket.room.name);
      } catch (error) {
        if (giveUp.signal.aborted) return;
        session.leave();
        setTrouble(connectTrouble(error));
        capture.retry();
      }
    } catch (error) {
      setTrouble(joinTrouble(error));
    } finally {
      setBusy(false);
      setWaiting(undefined);
    }
  };
  return { busy, trouble, join, stopWaiting: waiting && (() => waiting.abort()) };
}

function JoinForm(props: PreJoinProps & { capture: Capture }) {
  const { code, me, asking, capture } = props;
  const { busy, trouble, join, stopWaiting } = useJoining(props, capture);
  const [name, setName] = useState(() => nameOfGuest(code) ?? loadPreferences().guestName);
  const [missing, setMissing] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (busy) return;
    const guestName = name.trim();
    if (!me) {
      setMissing(!guestName);
      if (!guestName) {
        event.currentTarget.querySelector("input")?.focus();
        return;
      }
      savePreferences({ guestName });
    }
    void join(guestName);
  };
  if (stopWaiting) {
    return (
      <div className="stack" role="status">
        <Notice tone="info" title={t("join.waiting")}>
          <p>{t("join.waiting.hint")}</p>
          <div>
            <Button onClick={stopWaiting}>{t("join.waiting.stop")}</Button>
          </div>
        </Notice>
      </div>
    );
  }
  return (
    <form className="stack" onSubmit={submit} noValidate>
      {trouble && <TroubleNotice trouble={trouble} code={code} />}
      {me && <p>{t("join.as", { name: me.display_name })}</p>}
      {!me && !asking && (
        <Field
          label={t("join.name")}
          hint={t("join.name.hint")}
          value={name}
          onChange={(event) => {
            setName(event.target.value);
            setMissing(false);
          }}
          error={missing ? t("join.name.required") : undefined}
          autoComplete="name"
          maxLength={80}
          required
        />
      )}
      <Button type="submit" look="primary" wide disabled={asking} aria-disabled={busy}>
        {busy
          ? t("join.submitting")
          : trouble?.step === "retry"
            ? t("action.retry")
            : t("join.submit")}
      </Button>
      {!me && !asking && (
        <p className="small">
          <Link to={`/signin?next=/j/${code}`}>{t("join.signin")}</Link>
        </p>
      )}
    </form>
  );
}

export function PreJoin(props: PreJoinProps) {
  const capture = useCapture();
  const { room, loadCall } = props;
  useEffect(() => {
    // The call's code comes now, so that joining does not wait for it. A failure shows when joining.
    loadCall().catch(() => undefined);
  }, [loadCall]);
  const title = room ? t("join.title.room", { room: room.name }) : t("join.title");
  return (
    <Page title={title}>
      <div className="prejoin">
        <div className="stack prejoin-view">
          <Preview capture={capture} />
          <MicMeter track={capture.audio} />
        </div>
        <div className="stack prejoin-side">
          <h1>{title}</h1>
          {room && <p className="quiet">{plural("join.live", room.call?.participants ?? 0)}</p>}
          {capture.trouble && <MediaNotice trouble={capture.trouble} onRetry={capture.retry} />}
          <JoinForm {...props} capture={capture} />
        </div>
        <div className="prejoin-devices">
          <DeviceChoice capture={capture} />
        </div>
      </div>
    </Page>
  );
}
