// What hosts are asked before it happens: removing somebody, ending the call for everybody.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { t } from "../i18n";
import { toast } from "../ui/announce";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Notice } from "../ui/notice";
import { sayRefusal } from "./attempt";
import { useCall } from "./scope";

function Trouble({ error }: { error: unknown }) {
  return (
    <Notice tone="bad" alert>
      <p>{sayRefusal(error)}</p>
    </Notice>
  );
}

export interface Removal {
  identity: string;
  name: string;
  /** Whether they may be kept out of the room, too. */
  ban: boolean;
  /** Without an account: nobody can tell whether somebody new is them again. */
  guest: boolean;
}

/** Asks before removing somebody; open as long as there is one. */
export function RemoveDialog({
  person,
  onClose,
}: {
  person: Removal | undefined;
  onClose: () => void;
}) {
  const { verbs } = useCall();
  const [ban, setBan] = useState(false);
  const remove = useMutation({
    mutationFn: ({ identity, ban }: Removal) => verbs.remove(identity, ban),
  });
  if (!person) return null;
  const close = () => {
    remove.reset();
    setBan(false);
    onClose();
  };
  const confirm = () =>
    remove.mutate(
      { ...person, ban: ban && person.ban },
      {
        onSuccess: () => {
          toast(t("call.remove.done", { name: person.name }));
          close();
        },
      },
    );
  return (
    <Dialog
      open
      onClose={close}
      title={t("call.remove.title", { name: person.name })}
      text={t("call.remove.text")}
    >
      {remove.isError && <Trouble error={remove.error} />}
      {person.ban && (
        <label className="check">
          <input type="checkbox" checked={ban} onChange={(event) => setBan(event.target.checked)} />
          {t("call.remove.ban")}
        </label>
      )}
      {person.guest && ban && <p className="quiet small">{t("call.remove.ban.guest")}</p>}
      <div className="dialog-actions">
        <Button onClick={close}>{t("action.cancel")}</Button>
        <Button look="danger" onClick={confirm} disabled={remove.isPending}>
          {t(ban ? "call.remove.confirm.ban" : "call.remove.confirm")}
        </Button>
      </div>
    </Dialog>
  );
}

/** Asks before the call ends for everybody. */
export function EndDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { session, verbs } = useCall();
  const end = useMutation({
    mutationFn: () => {
      session.expectEnd(true);
      return verbs.end();
    },
    onError: () => session.expectEnd(false),
  });
  const close = () => {
    end.reset();
    onClose();
  };
  return (
    <Dialog open={open} onClose={close} title={t("call.end.title")} text={t("call.end.text")}>
      {end.isError && <Trouble error={end.error} />}
      <div className="dialog-actions">
        <Button onClick={close}>{t("action.cancel")}</Button>
        <Button look="danger" onClick={() => end.mutate()} disabled={end.isPending}>
          {t("call.end.confirm")}
        </Button>
      </div>
    </Dialog>
  );
}
