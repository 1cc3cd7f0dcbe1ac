// A sentence that says what is wrong, and the next step beneath it.
import { CircleAlert, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

interface NoticeProps {
  tone?: "info" | "warn" | "bad";
  title?: string;
  children?: ReactNode;
  /** Announced at once by screen readers when it appears. */
  alert?: boolean;
}

export function Notice({ tone = "info", title, children, alert }: NoticeProps) {
  const Icon = tone === "bad" ? CircleAlert : tone === "warn" ? TriangleAlert : Info;
  return (
    <div className={`notice ${tone}`} role={alert ? "alert" : undefined}>
      <Icon size={20} aria-hidden="true" />
      <div className="notice-body">
        {title && <div className="notice-title">{title}</div>}
        {children}
      </div>
    </div>
  );
}
