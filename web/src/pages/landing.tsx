// The start page: join by code or link, or go on to one's own rooms.
import { type FormEvent, useState } from "react";
import { Link, useNavigate } from "react-router";
import { useMe } from "../api/queries";
import { t } from "../i18n";
import { codeFrom } from "../state/room-link";
import { Button } from "../ui/button";
import { Field } from "../ui/field";
import { Page } from "../ui/page";
import "./landing.css";

function JoinForm() {
  const [text, setText] = useState("");
  const [error, setError] = useState<string>();
  const navigate = useNavigate();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const code = codeFrom(text);
    if (code) navigate(`/j/${code}`);
    else setError(text.trim() ? t("landing.join.bad") : t("landing.join.empty"));
  };
  return (
    <form className="landing-join" onSubmit={submit} noValidate>
      <Field
        label={t("landing.join.label")}
        hint={t("landing.join.hint")}
        error={error}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setError(undefined);
        }}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
      />
      <Button type="submit" look="primary">
        {t("landing.join.go")}
      </Button>
    </form>
  );
}

function OwnRooms() {
  const me = useMe();
  if (me.isPending) return <div className="landing-host" aria-hidden="true" />;
  return (
    <section className="landing-host stack" aria-labelledby="host">
      <h2 id="host">{t("landing.host")}</h2>
      {me.data ? (
        <div className="row">
          <Link className="button" to="/meetings">
            {t("nav.meetings")}
          </Link>
          <Link className="button" to="/rooms">
            {t("nav.rooms")}
          </Link>
        </div>
      ) : (
        <>
          <p className="quiet">{t("landing.host.signedOut")}</p>
          <div className="row">
            <Link className="button" to="/signin">
              {t("nav.signin")}
            </Link>
            <Link className="button" to="/signup">
              {t("nav.signup")}
            </Link>
          </div>
        </>
      )}
    </section>
  );
}

export default function LandingPage() {
  return (
    <Page title={t("app.name")}>
      <div className="landing">
        <div className="landing-lead">
          <h1>{t("landing.title")}</h1>
          <p className="quiet">{t("landing.lead")}</p>
        </div>
        <div className="card stack">
          <JoinForm />
          <hr />
          <OwnRooms />
        </div>
      </div>
    </Page>
  );
}
