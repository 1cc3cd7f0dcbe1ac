// My rooms: list, create, copy a link, join, delete.
import { Plus, Trash2, Video } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { type Room, roomKey, useRooms } from "../api/queries";
import { sayProblem } from "../api/words";
import { plural, t } from "../i18n";
import { Button, IconButton } from "../ui/button";
import { Notice } from "../ui/notice";
import { Page } from "../ui/page";
import { CopyLink } from "./copy-link";
import { CreateRoom, DeleteRoom } from "./room-dialogs";
import { SignedIn } from "./signed-in";
import "./rooms.css";

function RoomRow({ room, onDelete }: { room: Room; onDelete: () => void }) {
  return (
    <li className="room-row card">
      <div className="room-row-text">
        <Link className="room-row-name" to={`/rooms/${room.id}`}>
          {room.name}
        </Link>
        <span className="quiet small">
          {t(`rooms.access.${room.access_level}`)} · <span className="code">{room.code}</span>
          {room.call && ` · ${plural("rooms.live", room.call.participants)}`}
        </span>
      </div>
      <div className="room-row-actions">
        <Link
          className="button primary"
          to={`/j/${roomKey(room)}`}
          aria-label={t("rooms.join.named", { name: room.name })}
        >
          <Video size={18} aria-hidden="true" />
          {t("rooms.join")}
        </Link>
        <CopyLink code={roomKey(room)} name={room.name} />
        <IconButton
          look="plain"
          label={t("rooms.delete.named", { name: room.name })}
          onClick={onDelete}
        >
          <Trash2 size={18} aria-hidden="true" />
        </IconButton>
      </div>
    </li>
  );
}

function Skeletons() {
  return (
    <div className="stack" role="status" aria-label={t("app.loading")}>
      {[0, 1, 2].map((row) => (
        <div key={row} className="skeleton room-skeleton" />
      ))}
    </div>
  );
}

function RoomList({ onCreate }: { onCreate: () => void }) {
  const rooms = useRooms();
  const [doomed, setDoomed] = useState<Room>();
  if (rooms.isPending) return <Skeletons />;
  if (rooms.isError) {
    return (
      <Notice tone="bad" alert>
        <p>{sayProblem(rooms.error)}</p>
        <div>
          <Button onClick={() => rooms.refetch()}>{t("action.retry")}</Button>
        </div>
      </Notice>
    );
  }
  const list = rooms.data.pages.flatMap((page) => page.items);
  if (list.length === 0) {
    return (
      <div className="centred">
        <h2>{t("rooms.empty.title")}</h2>
        <p className="quiet">{t("rooms.empty.text")}</p>
        <Button look="primary" onClick={onCreate}>
          <Plus size={18} aria-hidden="true" />
          {t("rooms.new")}
        </Button>
      </div>
    );
  }
  return (
    <>
      <ul className="room-list stack">
        {list.map((room) => (
          <RoomRow key={room.id} room={room} onDelete={() => setDoomed(room)} />
        ))}
      </ul>
      {rooms.hasNextPage && (
        <Button onClick={() => rooms.fetchNextPage()} disabled={rooms.isFetchingNextPage}>
          {t("rooms.more")}
        </Button>
      )}
      <DeleteRoom room={doomed} onClose={() => setDoomed(undefined)} />
    </>
  );
}

export default function RoomsPage() {
  const [creating, setCreating] = useState(false);
  return (
    <SignedIn>
      <Page title={t("rooms.title")}>
        <div className="stack">
          <div className="row spread">
            <h1>{t("rooms.title")}</h1>
            <Button onClick={() => setCreating(true)}>
              <Plus size={18} aria-hidden="true" />
              {t("rooms.new")}
            </Button>
          </div>
          <RoomList onCreate={() => setCreating(true)} />
        </div>
        <CreateRoom open={creating} onClose={() => setCreating(false)} />
      </Page>
    </SignedIn>
  );
}
