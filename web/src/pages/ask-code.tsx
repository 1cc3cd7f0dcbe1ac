// The first step of signing in by code and of a new password: to which address a code goes.
import { type FormEvent, useState } from "react";
import { t } from "../i18n";
import { Button } from "../ui/button";
import { Field } from "../ui/field";
import { CodeTrouble, isEmail } from "./code-parts";

interface AskCodeProps {
  email: string;
  /** The request for a code. */
  request: {
    mutate: (email: string, options: { onSuccess: () => void }) => void;
    isPending: boolean;
    isError: boolean;
    error: unknown;
  };
  onSent: (email: string) => void;
}

export function AskCode({ email, request, onSent }: AskCodeProps) {
  const [bad, setBad] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const wish = String(new FormData(form).get("email") ?? "").trim();
    setBad(!isEmail(wish));
    if (!isEmail(wish)) form.querySelector("input")?.focus();
    else request.mutate(wish, { onSuccess: () => onSent(wish) });
  };
  return (
    <form className="stack" onSubmit={submit} noValidate>
      {request.isError && <CodeTrouble error={request.error} />}
      <Field
        label={t("auth.field.email")}
        name="email"
        type="email"
        autoComplete="username"
        defaultValue={email}
        required
        error={bad ? t("auth.error.email") : undefined}
      />
      <Button type="submit" look="primary" wide disabled={request.isPending}>
        {t("code.send")}
      </Button>
    </form>
  );
}
