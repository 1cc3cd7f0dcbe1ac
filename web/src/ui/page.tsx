// The frame of every page but the call: skip link, brand, navigation, main. Sets the document's title and moves focus
// to the main part after a navigation, so that a screen reader begins where the new page begins.
import { LogOut, Settings } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { Link, useLocation, useNavigate } from "react-router";
import { useMe, useSignOut } from "../api/queries";
import { t } from "../i18n";
import { Button } from "./button";

let pagesSeen = 0;

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === t("app.name") ? title : `${title} · ${t("app.name")}`;
  }, [title]);
}

function Navigation() {
  const me = useMe();
  const signOut = useSignOut();
  const navigate = useNavigate();
  const here = useLocation();
  if (me.isPending) return null;
  if (!me.data) {
    const next = here.pathname.startsWith("/sign") || here.pathname === "/" ? "" : here.pathname;
    return (
      <nav className="shell-nav">
        <Link className="button plain" to={next ? `/signin?next=${next}` : "/signin"}>
          {t("nav.signin")}
        </Link>
      </nav>
    );
  }
  return (
    <nav className="shell-nav">
      <Link className="button plain" to="/meetings">
        {t("nav.meetings")}
      </Link>
      <Link className="button plain" to="/rooms">
        {t("nav.rooms")}
      </Link>
      <Link
        className="button plain icon"
        to="/settings"
        aria-label={t("nav.settings")}
        title={t("nav.settings")}
      >
        <Settings size={20} aria-hidden="true" />
      </Link>
      <Button
        look="plain"
        aria-label={t("nav.signout")}
        title={t("nav.account", { name: me.data.display_name })}
        onClick={() => signOut.mutate(undefined, { onSuccess: () => navigate("/") })}
      >
        <LogOut size={20} aria-hidden="true" className="narrow-only" />
        <span className="wide-only">{t("nav.signout")}</span>
      </Button>
    </nav>
  );
}

interface PageProps {
  title: string;
  narrow?: boolean;
  children: ReactNode;
}

export function Page({ title, narrow, children }: PageProps) {
  useTitle(title);
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    // On the first page of a visit the browser's own focus is right.
    pagesSeen += 1;
    if (pagesSeen > 1 && !main.current?.contains(document.activeElement)) main.current?.focus();
  }, []);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        {t("app.skip")}
      </a>
      <header className="shell-head">
        <Link className="brand" to="/" aria-label={t("app.home")}>
          <img src="/favicon.svg" alt="" width={28} height={28} />
          <span>{t("app.name")}</span>
        </Link>
        <Navigation />
      </header>
      <main
        id="main"
        ref={main}
        tabIndex={-1}
        className={narrow ? "shell-main narrow" : "shell-main"}
      >
        {children}
      </main>
    </div>
  );
}

/** A whole page that says one thing and offers the way on. */
export function Message({
  title,
  text,
  children,
}: {
  title: string;
  text?: string;
  children?: ReactNode;
}) {
  return (
    <div className="centred" role="alert">
      <h1>{title}</h1>
      {text && <p className="quiet">{text}</p>}
      <div className="row">{children}</div>
    </div>
  );
}
