// One room: its link, who may come in, join, delete.
import { ArrowLeft, Trash2, Video } from "lucide-react";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { Problem } from "../api/problem";
import { type Room, roomKey, useRoom } from "../api/queries";
import { sayProblem } from "../api/words";
import { locale, t } from "../i18n";
import { roomLink } from "../state/room-link";
import { Button } from "../ui/button";
import { Message, Page } from "../ui/page";
import { CopyLink } from "./copy-link";
import { DeleteRoom } from "./room-dialogs";
import { SignedIn } from "./signed-in";
import "./rooms.css";

const day = new Intl.DateTimeFormat(locale, { dateStyle: "long" });

function Facts({ room }: { room: Room }) {
  return (
    <dl className="room-facts">
      <dt>{t("rooms.link")}</dt>
      <dd>{roomLink(roomKey(room))}</dd>
      <dt>{t("rooms.code")}</dt>
      <dd className="code">{room.code}</dd>
      <dt>{t("rooms.access.label")}</dt>
      <dd>{t(`rooms.access.${room.access_level}`)}</dd>
    </dl>
  );
}

function RoomDetail({ room }: { room: Room }) {
  const [deleting, setDeleting] = useState(false);
  const navigate = useNavigate();
  return (
    <div className="stack">
      <Link className="back" to="/rooms">
        <ArrowLeft size={18} aria-hidden="true" />
        {t("rooms.back")}
      </Link>
      <h1>{room.name}</h1>
      <div className="card stack">
        <Facts room={room} />
        <div className="row">
          <Link className="button primary" to={`/j/${roomKey(room)}`}>
            <Video size={18} aria-hidden="true" />
            {t("rooms.join")}
          </Link>
          <CopyLink code={roomKey(room)} />
          <Button onClick={() => setDeleting(true)}>
            <Trash2 size={18} aria-hidden="true" />
            {t("rooms.delete")}
          </Button>
        </div>
      </div>
      <p className="quiet small">
        {t("rooms.created.at", { date: day.format(new Date(room.created_at)) })}
      </p>
      <DeleteRoom
        room={deleting ? room : undefined}
        onClose={() => setDeleting(false)}
        onDeleted={() => navigate("/rooms", { replace: true })}
      />
    </div>
  );
}

function RoomOrWhyNot({ id }: { id: string }) {
  const room = useRoom(id);
  if (room.isPending) return <div className="skeleton room-skeleton" />;
  if (room.data) return <RoomDetail room={room.data} />;
  const missing = room.error instanceof Problem && room.error.status === 404;
  return (
    <Message
      title={missing ? t("rooms.notfound.title") : t("join.error.away.title")}
      text={missing ? t("rooms.notfound.text") : sayProblem(room.error)}
    >
      {!missing && (
        <Button look="primary" onClick={() => room.refetch()}>
          {t("action.retry")}
        </Button>
      )}
      <Link className="button" to="/rooms">
        {t("action.rooms")}
      </Link>
    </Message>
  );
}

export default function RoomPage() {
  const { room = "" } = useParams();
  return (
    <SignedIn>
      <Page title={t("nav.rooms")}>
        <RoomOrWhyNot id={room} />
      </Page>
    </SignedIn>
  );
}
