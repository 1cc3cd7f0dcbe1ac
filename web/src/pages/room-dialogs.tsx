// The dialogs that create and delete a room.
import { type FormEvent, useState } from "react";
import { Problem } from "../api/problem";
import { type AccessLevel, type Room, useCreateRoom, useDeleteRoom } from "../api/queries";
import { sayProblem } from "../api/words";
import { t } from "../i18n";
import { toast } from "../ui/announce";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { Notice } from "../ui/notice";

const LEVELS: readonly AccessLevel[] = ["public", "trusted", "restricted"];

function AccessChoice() {
  return (
    <fieldset className="stack" style={{ gap: 8 }}>
      <legend>{t("rooms.access.label")}</legend>
      {LEVELS.map((level) => (
        <label key={level} className="choice">
          <input
            type="radio"
            name="access_level"
            value={level}
            defaultChecked={level === "public"}
          />
          <span>
            {t(`rooms.access.${level}`)}
            <br />
            <span className="quiet small">{t(`rooms.access.${level}.hint`)}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Trouble({ error }: { error: unknown }) {
  return (
    <Notice tone="bad" alert>
      <p>{sayProblem(error)}</p>
    </Notice>
  );
}

export function CreateRoom({ open, onClose }: { open: boolean; onClose: () => void }) {
  const create = useCreateRoom();
  const [empty, setEmpty] = useState(false);
  const close = () => {
    create.reset();
    setEmpty(false);
    onClose();
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const name = String(data.get("name") ?? "").trim();
    setEmpty(!name);
    if (!name) return;
    const level = LEVELS.find((entry) => entry === data.get("access_level")) ?? "trusted";
    create.mutate(
      { name, access_level: level },
      {
        onSuccess: () => {
          toast(t("rooms.created", { name }));
          close();
        },
      },
    );
  };
  const refused = create.error instanceof Problem ? create.error.fields.name?.join(" ") : undefined;
  return (
    <Dialog open={open} onClose={close} title={t("rooms.create.title")}>
      <form className="stack" onSubmit={submit} noValidate>
        {create.isError && !refused && <Trouble error={create.error} />}
        <Field
          label={t("rooms.create.name")}
          name="name"
          autoComplete="off"
          maxLength={80}
          required
          error={empty ? t("auth.error.required") : refused}
        />
        <AccessChoice />
        <div className="dialog-actions">
          <Button onClick={close}>{t("action.cancel")}</Button>
          <Button type="submit" look="primary" disabled={create.isPending}>
            {t("rooms.create.submit")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface DeleteRoomProps {
  room: Room | undefined;
  onClose: () => void;
  onDeleted?: () => void;
}

/** Asks before deleting `room`; open as long as there is one. */
export function DeleteRoom({ room, onClose, onDeleted }: DeleteRoomProps) {
  const remove = useDeleteRoom();
  if (!room) return null;
  const confirm = () =>
    remove.mutate(room.id, {
      onSuccess: () => {
        toast(t("rooms.deleted", { name: room.name }));
        onClose();
        onDeleted?.();
      },
    });
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("rooms.delete.title", { name: room.name })}
      text={t("rooms.delete.text")}
    >
      {remove.isError && <Trouble error={remove.error} />}
      <div className="dialog-actions">
        <Button onClick={onClose}>{t("action.cancel")}</Button>
        <Button look="danger" onClick={confirm} disabled={remove.isPending}>
          {t("rooms.delete.confirm")}
        </Button>
      </div>
    </Dialog>
  );
}
