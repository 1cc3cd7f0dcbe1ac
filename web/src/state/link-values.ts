// What a link from a mail carries behind its `#`: never sent to a server, and taken out of the address at once, so that
// it stays in no history.
import { useEffect, useState } from "react";
import { useLocation, useNavigate } from "react-router";

export interface LinkValues {
  email: string;
  code: string;
}

/** Address and code of `#email=…&code=…`; empty where they are missing or no code. */
export function readLink(hash: string): LinkValues {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const code = values.get("code") ?? "";
  return { email: values.get("email") ?? "", code: /^\d{6}$/.test(code) ? code : "" };
}

export function useLinkValues(): LinkValues {
  const { hash, pathname, search } = useLocation();
  const navigate = useNavigate();
  const [values, setValues] = useState(() => readLink(hash));
  useEffect(() => {
    if (hash.length < 2) return;
    setValues(readLink(hash));
    navigate({ pathname, search }, { replace: true });
  }, [hash, pathname, search, navigate]);
  return values;
}
