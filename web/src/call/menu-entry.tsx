// One entry of a menu in the call: an icon and its words.
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";

interface EntryProps {
  icon: ReactNode;
  label: string;
  run: () => void;
  /** For an end that cannot be undone. */
  danger?: boolean;
  className?: string;
}

export function Entry({ icon, label, run, danger, className }: EntryProps) {
  const classes = ["menu-item", danger && "danger", className].filter(Boolean).join(" ");
  return (
    <DropdownMenu.Item className={classes} onSelect={run}>
      {icon}
      {label}
    </DropdownMenu.Item>
  );
}
