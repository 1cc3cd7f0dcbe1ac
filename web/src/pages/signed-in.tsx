// Lets through people with a session; sends the others to sign in and back here.
import type { ReactNode } from "react";
import { Navigate, useLocation } from "react-router";
import { useMe } from "../api/queries";
import { sayProblem } from "../api/words";
import { t } from "../i18n";
import { Button } from "../ui/button";
import { Message, Page } from "../ui/page";

export function SignedIn({ children }: { children: ReactNode }) {
  const me = useMe();
  const here = useLocation();
  if (me.isPending) return null;
  if (me.isError) {
    return (
      <Page title={t("app.name")}>
        <Message title={t("join.error.away.title")} text={sayProblem(me.error)}>
          <Button look="primary" onClick={() => me.refetch()}>
            {t("action.retry")}
          </Button>
        </Message>
      </Page>
    );
  }
  if (!me.data) {
    const next = encodeURIComponent(here.pathname + here.search + here.hash);
    return <Navigate to={`/signin?next=${next}`} replace />;
  }
  return children;
}
